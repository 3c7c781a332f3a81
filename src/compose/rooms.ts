// What serves on the ground. Reading it takes longer than anything else at a start, so that is done while the threads below start.

export async function loadRooms() {
  const [
    { openTelling },
    { startEmbeddedPbxs },
    { openHep },
    { openSignalling },
    { openFaces },
    { applyFile },
    { watchAll },
  ] = await Promise.all([
    import('./operation/telling.ts'),
    import('./embedded-pbxs.ts'),
    import('./signalling/hep.ts'),
    import('./signalling/open-signalling.ts'),
    import('./operation/operator-faces.ts'),
    import('./operation/applied-reload.ts'),
    import('./nodes/watched-node.ts'),
  ]);
  return { openTelling, startEmbeddedPbxs, openHep, openSignalling, openFaces, applyFile, watchAll };
}

export type Rooms = Awaited<ReturnType<typeof loadRooms>>;
