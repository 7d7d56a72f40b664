'use strict';
// Where people stand in the 3D view, the same over all frames of a source.

const ROOM_MM = 1500; // between people whose distance is not known

// pictures: all of the page, each with `source` and `people`.
// Returns place(index, inCamera) -> {people: [{person, points}], low, high, floor, row}.
function makeLayout(pictures) {
  const bySource = new Map();
  pictures.forEach((picture, i) => {
    // Stills are apart; the frames of a video share their floor and their places.
    const key = picture.frame === null ? `${i}` : `video ${picture.source}`;
    picture.group = key;
    if (!bySource.has(key)) bySource.set(key, []);
    bySource.get(key).push(picture);
  });
  const kept = new Map(); // group, space -> {slots, low, high, floor, row}

  // Slots: a person keeps one while seen; a free one is given to the next.
  function slots(group) {
    const taken = new Map(); // person -> slot
    const of = new Map(); // picture -> Map person -> slot
    let count = 0;
    for (const picture of group) {
      const here = new Set(picture.people.map((p) => p.person));
      for (const person of taken.keys()) if (!here.has(person)) taken.delete(person);
      const left = (p) => (p.joints2d.find(Boolean) || [0])[0];
      for (const p of [...picture.people].sort((a, b) => left(a) - left(b))) {
        if (taken.has(p.person)) continue;
        const used = new Set(taken.values());
        let slot = 0;
        while (used.has(slot)) slot += 1;
        taken.set(p.person, slot);
        count = Math.max(count, slot + 1);
      }
      of.set(picture, new Map(taken));
    }
    return { of, count };
  }

  function points(group, picture, inCamera) {
    if (inCamera) return picture.people.map((p) => ({ person: p.person, points: p.camera }));
    const { of, count } = group.slots;
    // Many stand in several rows, for one would make them tiny.
    const columns = count <= 5 ? 5 : Math.ceil(Math.sqrt(2 * count));
    const wide = Math.min(columns, count);
    return picture.people.map((p) => {
      const slot = of.get(picture).get(p.person);
      const dx = ((slot % columns) - (wide - 1) / 2) * ROOM_MM;
      const dz = Math.floor(slot / columns) * ROOM_MM;
      const move = (q) => q && [q[0] + dx, q[1], q[2] + dz];
      return { person: p.person, points: p.mm.map(move) };
    });
  }

  function measure(pictures, inCamera) {
    const group = { slots: slots(pictures) };
    const [low, high] = [[Infinity, Infinity, Infinity], [-Infinity, -Infinity, -Infinity]];
    const lowest = [];
    for (const picture of pictures) {
      for (const person of points(group, picture, inCamera)) {
        const seen = person.points.filter(Boolean);
        for (const q of seen) {
          for (let i = 0; i < 3; i += 1) {
            low[i] = Math.min(low[i], q[i]);
            high[i] = Math.max(high[i], q[i]);
          }
        }
        if (seen.length) lowest.push(Math.max(...seen.map((q) => q[1])));
      }
    }
    if (!lowest.length) {
      low.fill(-700);
      high.fill(700);
      lowest.push(900);
    }
    // One wrong frame must not sink the floor for all.
    lowest.sort((a, b) => a - b);
    group.floor = lowest[Math.ceil(0.97 * (lowest.length - 1))];
    high[1] = group.floor;
    for (const i of [0, 2]) {
      const middle = (low[i] + high[i]) / 2;
      const half = Math.max(550, (high[i] - low[i]) / 2 + 50);
      [low[i], high[i]] = [middle - half, middle + half];
    }
    low[1] = Math.min(low[1], group.floor - 1000);
    return Object.assign(group, { low, high, row: !inCamera && group.slots.count > 1 });
  }

  return (index, inCamera) => {
    const picture = pictures[index];
    const key = `${picture.group} ${inCamera}`;
    if (!kept.has(key)) kept.set(key, measure(bySource.get(picture.group), inCamera));
    const { low, high, floor, row } = kept.get(key);
    return { people: points(kept.get(key), picture, inCamera), low, high, floor, row };
  };
}
