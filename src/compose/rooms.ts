// What serves on the ground. Reading it takes longer than anything else at a start, so `ground.ts` has that done while the threads below
// start. It is one import: each file that is asked for by itself has to be found, opened and linked.
import { startEmbeddedPbxs } from './embedded-pbxs.ts';
import { watchAll } from './nodes/watched-node.ts';
import { applyFile } from './operation/applied-reload.ts';
import { openFaces } from './operation/operator-faces.ts';
import { openTelling } from './operation/telling.ts';
import { openHep } from './signalling/hep.ts';
import { openSignalling } from './signalling/open-signalling.ts';

export const rooms = { openTelling, startEmbeddedPbxs, openHep, openSignalling, openFaces, applyFile, watchAll };

export type Rooms = typeof rooms;
