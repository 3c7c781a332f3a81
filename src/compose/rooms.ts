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
    import('./telling.ts'),
    import('./embedded-pbxs.ts'),
    import('./hep.ts'),
    import('./open-signalling.ts'),
    import('./operator-faces.ts'),
    import('./applied-reload.ts'),
    import('./watched-node.ts'),
  ]);
  return { openTelling, startEmbeddedPbxs, openHep, openSignalling, openFaces, applyFile, watchAll };
}

export type Rooms = Awaited<ReturnType<typeof loadRooms>>;
