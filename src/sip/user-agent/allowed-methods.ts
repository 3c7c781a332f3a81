/** What Allow says: the methods that are served, in or outside a dialog (RFC 3261 §20.5). */
export const allowedMethods = 'INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER';
