'use strict';
// The 3D view on a plain 2D canvas: a camera that orbits, a floor, and skeletons.
// World: mm, x right, y down, z away, as the poses. Nothing here knows of the page.

const START = { yaw: -28, pitch: 12, zoom: 1 };
const RADIANS = Math.PI / 180;
const GRID_MM = 500;

// canvas: where to draw. bones: [joint, joint, 'left'|'right'|'trunk'].
// hovered: called with {person, joint, x, y} in px of the window, or null.
function makeScene(canvas, bones, hovered) {
  const pen = canvas.getContext('2d');
  const view = { ...START };
  let world = null; // {people, floor, low, high, numbered}
  let lit = null; // {person, joint}
  let project = null;
  let queued = false;

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
  }

  function draw() {
    queued = false;
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = width * ratio;
    if (canvas.height !== Math.round(height * ratio)) canvas.height = height * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    Object.assign(canvas.dataset, {
      yaw: view.yaw.toFixed(2), pitch: view.pitch.toFixed(2), zoom: view.zoom.toFixed(3),
    });
    if (!world) return;
    project = projection(width, height);
    drawFloor();
    for (const person of world.people) drawShadow(person);
    drawBones();
    for (const person of world.people) drawJoints(person);
  }

  // mm of the world -> [x px, y px, mm away from the middle] for a direction.
  function lens(middle, far, unit, yaw, pitch, width, height) {
    const [cy, sy] = [Math.cos(yaw * RADIANS), Math.sin(yaw * RADIANS)];
    const [cp, sp] = [Math.cos(pitch * RADIANS), Math.sin(pitch * RADIANS)];
    return ([x, y, z]) => {
      const [dx, dy, dz] = [x - middle[0], y - middle[1], z - middle[2]];
      const right = dx * cy + dz * sy;
      const ahead = dz * cy - dx * sy;
      const away = dy * sp + ahead * cp;
      const scale = (unit * far) / Math.max(far + away, 0.1 * far);
      return [width / 2 + right * scale, height / 2 + (dy * cp - ahead * sp) * scale, away];
    };
  }

  function projection(width, height) {
    const { low, high } = world;
    const middle = [0, 1, 2].map((i) => (low[i] + high[i]) / 2);
    const far = 2.2 * Math.hypot(...[0, 1, 2].map((i) => high[i] - low[i]));
    // One scale for all turns, so that turning does not breathe: the largest with
    // which the box fits, seen from the usual height.
    let unit = Infinity;
    for (let yaw = 0; yaw < 360; yaw += 15) {
      const at = lens(middle, far, 1, yaw, START.pitch, 0, 0);
      for (let corner = 0; corner < 8; corner += 1) {
        const point = [0, 1, 2].map((i) => (corner & (1 << i) ? high[i] : low[i]));
        const [x, y] = at(point).map(Math.abs);
        unit = Math.min(unit, (0.5 * width - 40) / x, (0.5 * height - 26) / y);
      }
    }
    unit = Math.max(unit, 1e-4) * view.zoom;
    const at = lens(middle, far, unit, view.yaw, view.pitch, width, height);
    return Object.assign(at, { unit });
  }

  function stroke(a, b, style, width) {
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(a[0], a[1]);
    pen.lineTo(b[0], b[1]);
    pen.stroke();
  }

  function write(content, [x, y], style, align = 'center') {
    pen.fillStyle = style;
    pen.textAlign = align;
    pen.textBaseline = 'middle';
    const text = `${content}`.replace('-', '−');
    // Not cut off at the left edge of the canvas.
    const { width } = pen.measureText(text);
    const least = align === 'right' ? width : align === 'center' ? width / 2 : 0;
    pen.fillText(text, Math.max(x, least + 2), y);
  }

  // Round numbers from low to high, at most `count` of them.
  function marks(low, high, count) {
    const step = GRID_MM * Math.max(1, Math.ceil((high - low) / (count * GRID_MM)));
    const first = Math.ceil(low / step) * step;
    return Array.from({ length: Math.floor((high - first) / step) + 1 }, (_, i) => first + i * step);
  }

  function drawFloor() {
    const { low: [x0, top, z0], high: [x1, , z1], floor } = world;
    const [line, soft] = [colour('grid'), colour('soft')];
    pen.font = '11px system-ui, sans-serif';
    pen.lineCap = 'butt';
    const at = (x, z) => project([x, floor, z]);
    const round = (low, high) => marks(low, high, GRID_MM);
    for (const x of [x0, ...round(x0, x1), x1]) stroke(at(x, z0), at(x, z1), line, 1);
    for (const z of [z0, ...round(z0, z1), z1]) stroke(at(x0, z), at(x1, z), line, 1);
    // Numbers stand along the edges that are nearest to the eye.
    const [mx, mz] = [(x0 + x1) / 2, (z0 + z1) / 2];
    const zNear = at(mx, z0)[2] <= at(mx, z1)[2] ? z0 : z1;
    const xNear = at(x0, mz)[2] <= at(x1, mz)[2] ? x0 : x1;
    // `px` outside of an edge, seen from the middle of the floor.
    const beside = (text, edge, inner, px) => {
      const [dx, dy] = [edge[0] - inner[0], edge[1] - inner[1]];
      const length = Math.hypot(dx, dy);
      if (length < 25) return; // the edge is seen along its length
      const sideways = Math.abs(dx) > 0.6 * length;
      const align = !sideways ? 'center' : dx < 0 ? 'right' : 'left';
      write(text, [edge[0] + (dx / length) * px, edge[1] + (dy / length) * px], soft, align);
    };
    if (world.numbered) {
      for (const x of marks(x0, x1, 9)) beside(x, at(x, zNear), at(x, mz), 10);
      for (const z of marks(z0, z1, 9)) beside(z, at(xNear, z), at(mx, z), 10);
    }
    beside('x right, mm', at(mx, zNear), at(mx, mz), 30);
    beside('z away, mm', at(xNear, mz), at(mx, mz), 42);
    if (Math.abs(view.pitch) > 60) return;
    // The ruler of y stands at the far end of one of these edges: the one on the left.
    const ends = [[xNear, z0 + z1 - zNear], [x0 + x1 - xNear, zNear]];
    const [x, z] = ends.reduce((a, b) => (at(...a)[0] <= at(...b)[0] ? a : b));
    stroke(at(x, z), project([x, top, z]), line, 1);
    for (const y of marks(top, floor, 9).filter((value) => value < floor - 120)) {
      const tick = project([x, y, z]);
      stroke(tick, [tick[0] - 4, tick[1]], line, 1);
      write(y, [tick[0] - 7, tick[1]], soft, 'right');
    }
    const end = project([x, top, z]);
    write('y down, mm', [end[0], end[1] - 11], soft);
  }

  function drawShadow(person) {
    pen.lineCap = pen.lineJoin = 'round';
    pen.strokeStyle = colour('shadow');
    pen.lineWidth = 5;
    pen.beginPath(); // one path: crossings do not darken
    for (const [a, b] of bones) {
      const ends = [person.points[a], person.points[b]];
      if (!ends[0] || !ends[1]) continue;
      const [p, q] = ends.map(([x, , z]) => project([x, world.floor, z]));
      pen.moveTo(p[0], p[1]);
      pen.lineTo(q[0], q[1]);
    }
    pen.stroke();
  }

  // Of a bone, px: 22 mm, but never so thin that it is not seen.
  function thickness() {
    return Math.max(2.2, Math.min(6.5, 22 * project.unit));
  }

  function drawBones() {
    const parts = [];
    for (const { points } of world.people) {
      for (const [a, b, side] of bones) {
        if (!points[a] || !points[b]) continue;
        const [p, q] = [project(points[a]), project(points[b])];
        parts.push({ p, q, side, away: p[2] + q[2] });
      }
    }
    const edge = colour('edge');
    const width = thickness();
    for (const { p, q, side } of parts.sort((m, n) => n.away - m.away)) {
      pen.lineCap = 'butt'; // a round end would cut the bones that it joins
      stroke(p, q, edge, width * 1.6);
      pen.lineCap = 'round';
      stroke(p, q, colour(side), width);
    }
  }

  function drawJoints({ person, points, label }) {
    for (const [joint, point] of points.entries()) {
      if (!point) continue;
      const on = lit && lit.person === person && lit.joint === joint;
      const [x, y] = project(point);
      pen.beginPath();
      pen.arc(x, y, on ? 6 : 0.34 * thickness(), 0, 7); // within the bones, which it would cut
      pen.fillStyle = on ? '#ffe14d' : colour('edge');
      pen.fill();
      if (on) {
        pen.lineWidth = 1.5;
        pen.strokeStyle = colour('ink');
        pen.stroke();
      }
      if (world.names) {
        write(world.names[joint], [x + 7, y - 7], colour('ink'), 'left');
      }
    }
    const tops = points.filter(Boolean).map(project);
    if (label && tops.length) {
      const top = tops.reduce((a, b) => (a[1] <= b[1] ? a : b));
      write(label, [top[0], top[1] - 15], colour('ink'));
    }
  }

  function redraw() {
    if (queued) return;
    queued = true;
    requestAnimationFrame(draw);
  }

  function pick(x, y) {
    let best = null;
    if (!world || !project) return best;
    for (const { person, points } of world.people) {
      for (const [joint, point] of points.entries()) {
        if (!point) continue;
        const at = project(point);
        const distance = Math.hypot(at[0] - x, at[1] - y);
        if (distance < 14 && (!best || distance < best.distance)) {
          best = { person, joint, distance };
        }
      }
    }
    return best;
  }

  function zoomBy(factor) {
    view.zoom = Math.min(8, Math.max(0.3, view.zoom * factor));
    redraw();
  }

  const fingers = new Map(); // pointer id -> [x, y]
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  };
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    canvas.classList.add('turning');
  });
  canvas.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) {
      const box = canvas.getBoundingClientRect();
      const found = pick(event.clientX - box.left, event.clientY - box.top);
      hovered(found && { ...found, x: event.clientX, y: event.clientY });
      return;
    }
    const apart = fingers.size === 2 ? spread() : 0;
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (apart) {
      zoomBy(spread() / apart);
    } else if (fingers.size === 1) {
      // What is near follows the pointer.
      view.yaw = (((view.yaw - (event.clientX - before[0]) * 0.5 + 180) % 360) + 360) % 360 - 180;
      view.pitch = Math.min(89, Math.max(-89, view.pitch + (event.clientY - before[1]) * 0.5));
      redraw();
    }
  });
  for (const end of ['pointerup', 'pointercancel']) {
    canvas.addEventListener(end, (event) => {
      fingers.delete(event.pointerId);
      canvas.classList.remove('turning');
    });
  }
  canvas.addEventListener('pointerleave', () => hovered(null));
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY * 0.0015));
  }, { passive: false });
  canvas.addEventListener('dblclick', () => turn(START));
  new ResizeObserver(redraw).observe(canvas);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);

  function turn(change) {
    Object.assign(view, change);
    redraw();
  }

  return {
    turn,
    show(next) { world = next; redraw(); },
    light(next) { lit = next; redraw(); },
  };
}
