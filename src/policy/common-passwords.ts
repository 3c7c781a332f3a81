// Passwords that everybody tries first: common words, walks over a keyboard, what devices ship with. Upper case, figures in the
// place of letters, a year and a sign at the end make them no better, so they are taken off before the comparison.

/** Words in lower case. Anything in front of and behind them that is not a letter has no say. */
const words: ReadonlySet<string> = new Set(
  `
  password passwort passwd pass passphrase passcode motdepasse contrasena senha geheim secret secreto topsecret
  welcome willkommen bienvenue hello hallo bonjour letmein openup opensesame login logon signin changeme changeit
  default standard test tester testing demo sample example temp temporary guest user users username account
  admin administrator root toor superuser sysadmin operator manager support service helpdesk office company
  phone telephone voip sip sipphone sippassword asterisk freepbx kamailio opensips freeswitch trunk pbx extension voicemail
  cisco polycom yealink grandstream snom avaya mitel panasonic aastra linksys fritzbox router internet wireless
  qwerty qwertz azerty qwertyuiop asdfgh asdfghjkl zxcvbn zxcvbnm qazwsx qazwsxedc qweasd qweasdzxc asdf yxcvbn
  abc abcd abcde abcdef abcdefg abcdefgh abcabc xyz aaa aaaa aaaaaa
  monkey dragon shadow master sunshine princess football baseball basketball hockey soccer superman batman starwars
  pokemon pikachu matrix trustno iloveyou loveyou lovely forever freedom whatever flower summer winter spring autumn sommer
  monday tuesday wednesday thursday friday saturday sunday january february march april june july august september
  october november december london paris berlin madrid newyork chicago boston texas america england germany france
  michael jennifer jordan hunter harley ranger buster thomas robert daniel andrew charlie jessica ashley
  computer server network security secure access private system windows linux google facebook apple samsung
  love baby angel money ninja cheese cookie banana chocolate coffee pepper ginger mustang corvette ferrari porsche
  company business corporate finance sales
  `
    .trim()
    .split(/\s+/),
);

/** What people write for a letter. */
const figures: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '@': 'a',
  $: 's',
  '!': 'i',
  '€': 'e',
  '£': 'l',
  '+': 't',
};

/** Letters that a password must have besides a common word to be another one. */
const lettersOfItsOwn = 4;

/** So few different characters are one that is held down, or two in turn. */
const fewestCharacters = 3;

/** Whether it is nothing but common words, counting up, or one character, however it is dressed. */
export function isCommonPassword(password: string): boolean {
  const lower = password.toLowerCase();
  const plain = lower.replace(/[^a-z]+/g, ' ').trim();
  const undressed = [lower, withoutEnding(lower)].map(lettersFor);
  const isHeldDown = lower !== '' && new Set(lower).size <= fewestCharacters;
  return isHeldDown || [plain, ...undressed].some((text) => isMadeOfWords(text));
}

function lettersFor(text: string): string {
  return Array.from(text, (character) => figures[character] ?? character).join('');
}

/** Without the year and the signs behind the last letter. */
function withoutEnding(text: string): string {
  let end = text.length;
  while (end > 0 && !/[a-z]/.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** Whether its letters are common words with fewer than four letters besides. */
function isMadeOfWords(text: string): boolean {
  const runs = text.match(/[a-z]+/g) ?? [];
  if (runs.length === 0) return false;
  const own = runs.reduce((sum, run) => sum + lettersBesides(run), 0);
  const total = runs.reduce((sum, run) => sum + run.length, 0);
  return own < total && own < lettersOfItsOwn;
}

/** The fewest letters of a run that no common word covers, words laid end to end. Linear in the run's length. */
function lettersBesides(run: string): number {
  const fewest = new Array<number>(run.length + 1).fill(0);
  for (let end = 1; end <= run.length; end += 1) {
    let best = (fewest[end - 1] ?? 0) + 1;
    for (let length = 3; length <= Math.min(longestWord, end); length += 1) {
      if (words.has(run.slice(end - length, end))) best = Math.min(best, fewest[end - length] ?? best);
    }
    fewest[end] = best;
  }
  return fewest[run.length] ?? 0;
}

const longestWord = Math.max(...Array.from(words, (word) => word.length));
