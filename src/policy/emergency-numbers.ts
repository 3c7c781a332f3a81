// What an emergency call is: numbers by exact match for each country, and the service URN (RFC 5031). A number library
// will not do: to it 112 is a short national number.

/** By ISO 3166 country; where a country is not listed, 112 and 911 are (3GPP TS 22.101 §10). The first is what a URN dials. */
const lines = `
AD 112 110 116 118|AE 999 112 998 997 996|AL 112 127 128 129|AR 911 112 100 101 107|AT 112 122 133 144|AU 000 112 106
BA 112 122 123 124|BE 112 100 101|BG 112 150 160 166|BH 999|BR 190 192 193 112 911|BY 112 101 102 103
CA 911|CH 112 117 118 144 1414|CL 133 131 132 112|CN 110 119 120 122 112|CO 123 112|CR 911 112|CY 112 199|CZ 112 150 155 158
DE 112 110|DK 112 114|DO 911 112|DZ 14 17 112|EC 911|EE 112|EG 122 123 180 112|ES 112 061 062 080 085 091 092
FI 112|FR 112 15 17 18 114 119 191 196|GB 999 112 18000|GE 112|GG 999 112|GH 112 191 192 193|GI 190 199 112|GR 112 100 166 199
HK 999 112|HR 112 192 193 194|HU 112 104 105 107|ID 112 110 113 118 119|IE 112 999|IL 100 101 102 112|IM 999 112|IN 112 100 101 102 108
IQ 104 115 122 112|IR 110 112 115 125|IS 112|IT 112 113 115 118|JE 999 112|JO 911 112|JP 110 118 119|KE 999 112 911
KR 112 119|KW 112|KZ 112 101 102 103|LB 112 140 175|LI 112 117 118 144|LT 112|LU 112 113|LV 112 110 113|MA 15 19 150 177 112
MC 112 15 17 18|MD 112|ME 112 122 123 124|MK 112 192 193 194|MT 112|MX 911|MY 999 112|NG 112 199|NL 112|NO 112 110 113|NZ 111 112
OM 9999 112|PA 911|PE 105 106 116 911|PH 911 112|PK 15 16 1122 112|PL 112 997 998 999|PT 112|QA 999 112|RO 112|RS 112 192 193 194
RU 112 101 102 103|SA 911 112 997 998 999|SE 112|SG 999 995 112|SI 112 113|SK 112 150 155 158|SM 112 113 115 118|TH 191 199 1669 112
TN 190 197 198 112|TR 112|TW 110 119 112|UA 112 101 102 103|US 911|UY 911 112|VA 112 113 115 118|VE 911 171|VN 112 113 114 115|ZA 112 10111 10177`;

const byCountry: ReadonlyMap<string, readonly string[]> = new Map(
  lines
    .trim()
    .split(/[|\n]/)
    .map((line) => {
      const [country = '', ...numbers] = line.split(' ');
      return [country, numbers];
    }),
);

const everywhere: readonly string[] = ['112', '911'];

/** The emergency numbers of a country, the most general one first; 112 and 911 where it is not known. */
export function emergencyNumbersOf(country: string | undefined): readonly string[] {
  return (country === undefined ? undefined : byCountry.get(country)) ?? everywhere;
}

/** `urn:service:sos` and its sub-services, `urn:service:sos.fire` (RFC 5031 §4.2); in any case, as URNs of services are. */
export function isEmergencyUrn(uri: string): boolean {
  const text = uri.toLowerCase();
  if (!text.startsWith(sos)) return false;
  const rest = text.slice(sos.length);
  return rest === '' || (rest.startsWith('.') && rest.length <= 64 && rest.slice(1).split('.').every(isServiceLabel));
}

const sos = 'urn:service:sos';

function isServiceLabel(label: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,25}[a-z0-9])?$/.test(label);
}
