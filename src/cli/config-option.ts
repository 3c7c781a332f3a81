// How a command is told which configuration it works with. Apart from what reads one, which whoever only starts others does not load.

export const defaultConfigFile = 'portcullis.toml';

export const configOption = {
  type: 'string',
  short: 'c',
  value: 'FILE',
  about: `the configuration (${defaultConfigFile} here when not given)`,
} as const;
