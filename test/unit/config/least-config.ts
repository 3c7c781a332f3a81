/** The least that loads: twelve lines, so that a table which is added on a line of its own begins at the fourteenth. */
export const least = `# One listener towards a PBX.
[[domain]]
name = "pbx.test"
[[network]]
name = "inside"
media = [{ address = "10.0.0.10" }]
encryption = "off"
[[listener]]
name = "to-pbx"
network = "inside"
transport = "udp"
address = "10.0.0.10:5060"
`;
