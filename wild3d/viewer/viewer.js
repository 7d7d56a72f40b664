'use strict';
// The page: frames, people, the overlay, tables. Text from files goes in by
// textContent alone.

const $ = (id) => document.getElementById(id);
const read = (element) => JSON.parse(element.textContent);
const header = read($('header'));
const totals = read($('totals'));
const blocks = [...document.querySelectorAll('script.picture')];
const pictures = blocks.map(read);
const jpeg = (index) => `data:image/jpeg;base64,${blocks[index].nextElementSibling.textContent}`;
const place = makeLayout(pictures);
const hidden = new Set(); // persons switched off
const state = { index: 0, chosen: null, lit: null, playing: false, asked: 0 };
for (const [name, value] of Object.entries(header.colours)) {
  document.documentElement.style.setProperty(`--${name}`, value);
}
const scene = makeScene($('scene'), header.bones, hover);

function make(tag, text, name) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  return element;
}

function drawing(tag, attributes, text) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const number = (value, digits = 0) => (value === null || value === undefined ? '–'
  : value.toFixed(digits).replace('-', '−'));
const current = () => pictures[state.index];
const shown = () => current().people.filter((p) => !hidden.has(p.person));

function show(index) {
  if (!pictures.length) return;
  state.index = Math.min(pictures.length - 1, Math.max(0, index));
  const people = current().people.map((p) => p.person);
  if (!people.includes(state.chosen)) state.chosen = people.length ? people[0] : null;
  document.documentElement.dataset.index = state.index;
  if (document.activeElement !== $('slider')) $('slider').value = state.index;
  const { source, frame, time } = current();
  $('name').textContent = source;
  const at = `${state.index + 1} / ${pictures.length}`;
  $('position').textContent = frame === null ? at
    : `${at} · frame ${frame}${time === null ? '' : ` · ${time.toFixed(2)} s`}`;
  const [asked, image] = [(state.asked += 1), new Image()];
  image.src = jpeg(state.index);
  // Photograph and bones change together, and late answers change nothing.
  image.decode().then(() => {
    if (asked === state.asked) draw(image);
  }, () => asked === state.asked && draw(null));
}

function draw(image) {
  const { width, height } = current();
  const stage = $('flat').parentElement.getBoundingClientRect();
  const fit = Math.min(stage.width / width, stage.height / height);
  Object.assign($('flat').style, { width: `${width * fit}px`, height: `${height * fit}px` });
  if (image) {
    Object.assign($('photo'), { width: image.naturalWidth, height: image.naturalHeight });
    $('photo').getContext('2d').drawImage(image, 0, 0);
  }
  drawOverlay(1 / fit);
  drawScene();
  listPeople();
  listValues();
  markThumb();
}

function drawOverlay(px) {
  const svg = $('overlay');
  // Thin lines on small displays.
  const line = Math.min(3.2, Math.max(1.6, $('flat').clientWidth / 130)) * px;
  svg.setAttribute('viewBox', `0 0 ${current().width} ${current().height}`);
  svg.replaceChildren();
  for (const p of shown()) {
    if ($('boxes').checked) {
      const [x, y, width, height] = p.box;
      svg.append(drawing('rect', { x, y, width, height, 'stroke-width': 1.5 * px }));
    }
    for (const side of ['trunk', 'right', 'left']) {
      for (const [a, b] of header.bones.filter((bone) => bone[2] === side)) {
        const [m, n] = [p.joints2d[a], p.joints2d[b]];
        if (!m || !n) continue;
        const ends = { x1: m[0], y1: m[1], x2: n[0], y2: n[1] };
        svg.append(drawing('line', { ...ends, class: 'edge', 'stroke-width': 1.7 * line }));
        svg.append(drawing('line', { ...ends, class: side, 'stroke-width': line }));
      }
    }
    p.joints2d.forEach((at, joint) => {
      if (!at) return;
      const on = state.lit && state.lit.person === p.person && state.lit.joint === joint;
      svg.append(drawing('circle', {
        cx: at[0], cy: at[1], r: on ? 6 * px : 0.55 * line, class: on ? 'on' : '',
        'stroke-width': 1.5 * px,
      }));
      if ($('labels').checked) {
        svg.append(drawing('text', {
          x: at[0] + 6 * px, y: at[1] - 5 * px, 'font-size': 11 * px, 'stroke-width': 3 * px,
        }, header.joints[joint]));
      }
    });
    const tops = p.joints2d.filter(Boolean);
    if (current().people.length > 1 && tops.length) {
      const top = tops.reduce((a, b) => (a[1] <= b[1] ? a : b));
      // Without room above, it is beside the head, not over it.
      const height = Math.max(...tops.map((at) => at[1])) - top[1];
      const aside = top[1] < 23 * px ? height / 10 + 8 * px : 0;
      const sign = top[0] + aside + 6 * px < current().width ? 1 : -1;
      svg.append(drawing('text', {
        x: top[0] + sign * aside, y: Math.max(top[1] - 9 * px, 14 * px), 'font-size': 14 * px,
        'stroke-width': 3.5 * px, 'text-anchor': 'middle', 'font-weight': 600,
      }, p.person));
    }
  }
}

function drawScene() {
  const inCamera = $('space').checked && current().people.every((p) => p.camera);
  const world = place(state.index, inCamera);
  const people = world.people
    .filter((p) => !hidden.has(p.person))
    .map((p) => ({ ...p, label: current().people.length > 1 ? `${p.person}` : '' }));
  const names = $('labels').checked ? header.joints : null;
  scene.show({ ...world, people, names, numbered: !world.row });
  let said = 'mm, minus the pelvis';
  if (world.row) said = 'Each person minus their own pelvis; side by side, as distances between them are not known without a camera';
  if (inCamera) said = "mm from the camera's centre, in camera axes";
  $('placing').textContent = `${said}. Grid: 500 mm; the floor is at the lowest joint.`;
}

function listPeople() {
  const { people } = current();
  $('people-count').textContent = people.length
    ? `${people.length} ${people.length === 1 ? 'person' : 'people'}` : 'nobody found';
  $('people').hidden = people.length < 2;
  $('people').replaceChildren(...people.map((p) => {
    const label = make('label', undefined, p.person === state.chosen ? 'chosen' : '');
    const box = Object.assign(make('input'), { type: 'checkbox', checked: !hidden.has(p.person) });
    box.addEventListener('change', () => {
      if (box.checked) hidden.delete(p.person); else hidden.add(p.person);
      state.chosen = p.person;
      show(state.index);
    });
    const seen = p.scores.filter((s) => s !== null);
    const mean = seen.reduce((a, b) => a + b, 0) / Math.max(1, seen.length);
    label.append(box, make('span', `person ${p.person}, score ${mean.toFixed(2)}`));
    return label;
  }));
}

function listValues() {
  const p = current().people.find((q) => q.person === state.chosen);
  if (!p) return $('values').replaceChildren();
  const heads = ['joint', 'u px', 'v px', 'score', 'x mm', 'y mm', 'z mm'];
  if (p.camera) heads.push('camera x mm', 'y mm', 'z mm');
  const top = make('tr');
  top.append(...heads.map((text) => make('th', text)));
  const rows = header.joints.map((name, joint) => {
    const on = state.lit && state.lit.person === p.person && state.lit.joint === joint;
    const row = make('tr', undefined, on ? 'on' : '');
    const at = (values, i, digits) => make('td', number(values[joint] && values[joint][i], digits));
    row.append(make('th', name), at(p.joints2d, 0, 1), at(p.joints2d, 1, 1),
      make('td', number(p.scores[joint], 2)), ...[0, 1, 2].map((i) => at(p.mm, i)));
    if (p.camera) row.append(...[0, 1, 2].map((i) => at(p.camera, i)));
    return row;
  });
  return $('values').replaceChildren(top, ...rows);
}

function hover(found) {
  const tip = $('tip');
  const changed = JSON.stringify([found && found.person, found && found.joint])
    !== JSON.stringify([state.lit && state.lit.person, state.lit && state.lit.joint]);
  state.lit = found;
  tip.hidden = !found;
  if (found) {
    const p = current().people.find((q) => q.person === found.person);
    const [flat, mm] = [p.joints2d[found.joint], p.mm[found.joint]];
    const lines = [`${header.joints[found.joint]}, person ${p.person}`];
    if (flat) lines.push(`photograph: ${number(flat[0], 1)}, ${number(flat[1], 1)} px; score ${number(p.scores[found.joint], 2)}`);
    if (mm) lines.push(`3D: x ${number(mm[0])}, y ${number(mm[1])}, z ${number(mm[2])} mm from the pelvis`);
    tip.textContent = lines.join('\n');
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(found.x + 14, innerWidth - box.width - 6))}px`;
    tip.style.top = `${found.y + 18 + box.height > innerHeight ? found.y - box.height - 8 : found.y + 18}px`;
    state.chosen = found.person;
  }
  if (!changed) return;
  scene.light(found);
  drawOverlay(current().width / $('flat').clientWidth);
  listValues();
}

function hoverPhoto(event) {
  const box = $('flat').getBoundingClientRect();
  const scale = current().width / box.width;
  const [u, v] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  let best = null;
  for (const p of shown()) {
    p.joints2d.forEach((at, joint) => {
      const distance = at ? Math.hypot(at[0] - u, at[1] - v) : Infinity;
      if (distance < 14 * scale && (!best || distance < best.distance)) {
        best = { person: p.person, joint, distance, x: event.clientX, y: event.clientY };
      }
    });
  }
  hover(best);
}

// Seconds that a picture stays while playing: a still 1.5, a frame until the next.
function stay(index) {
  const [a, b] = [pictures[index], pictures[index + 1]];
  if (a.time === null) return header.fps && a.frame !== null ? totals.every / header.fps : 1.5;
  if (b && b.source === a.source && b.time > a.time) return b.time - a.time;
  return header.fps ? totals.every / header.fps : 0.1;
}

function play(on) {
  state.playing = on && pictures.length > 1;
  $('play').textContent = state.playing ? 'pause' : 'play';
  let [last, elapsed] = [performance.now(), 0];
  const tick = (now) => {
    if (!state.playing) return;
    elapsed += ((now - last) / 1000) * Number($('speed').value);
    last = now;
    let next = state.index;
    for (let i = 0; i < pictures.length && elapsed >= stay(next); i += 1) {
      elapsed -= stay(next);
      next = (next + 1) % pictures.length;
    }
    if (next !== state.index) show(next);
    requestAnimationFrame(tick);
  };
  if (state.playing) requestAnimationFrame(tick);
}

function listThumbs() {
  const heads = pictures.map((picture, i) => ({ ...picture, i })).filter((p) => p.thumb
    || p.i === 0 || p.source !== pictures[p.i - 1].source);
  $('thumbs').hidden = heads.length < 2;
  $('thumbs').replaceChildren(...heads.map((p) => {
    const button = make('button');
    const image = Object.assign(make('img'), { src: p.thumb ? `data:image/jpeg;base64,${p.thumb}` : jpeg(p.i), alt: '' });
    button.title = p.source;
    button.dataset.index = p.i;
    button.append(image, make('span', p.source.split(/[\\/]/).pop()));
    button.addEventListener('click', () => { play(false); show(p.i); });
    return button;
  }));
}

function markThumb() {
  let chosen = null;
  for (const button of $('thumbs').children) {
    button.classList.remove('chosen');
    if (Number(button.dataset.index) <= state.index) chosen = button;
  }
  if (!chosen || $('thumbs').hidden) return;
  chosen.classList.add('chosen');
  const [strip, left] = [$('thumbs'), chosen.offsetLeft];
  const right = left + chosen.offsetWidth;
  if (left < strip.scrollLeft || right > strip.scrollLeft + strip.clientWidth) {
    strip.scrollLeft = left - 40;
  }
}

function tabulate(id, pairs) {
  $(id).replaceChildren(...pairs.map(([name, value]) => {
    const row = make('tr');
    row.append(make('th', name), make('td', value));
    return row;
  }));
}

const KEYS = {
  ArrowLeft: (shift) => show(state.index - (shift ? 10 : 1)),
  ArrowRight: (shift) => show(state.index + (shift ? 10 : 1)),
  Home: () => show(0),
  End: () => show(pictures.length - 1),
  ' ': () => play(!state.playing),
  r: () => scene.turn(START),
};
document.addEventListener('keydown', (event) => {
  const action = KEYS[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  // A focused control has its own use for arrows, Home, End and space.
  if (event.key !== 'r' && /^(SELECT|SUMMARY)$/.test(event.target.tagName)) return;
  if (event.target.type === 'range' && event.key !== ' ' && event.key !== 'r') return;
  if (event.key === ' ' && /^(BUTTON|INPUT)$/.test(event.target.tagName)
    && event.target.type !== 'range') return;
  event.preventDefault();
  if (event.key !== ' ' && event.key !== 'r') play(false);
  action(event.shiftKey);
});
$('previous').addEventListener('click', () => { play(false); show(state.index - 1); });
$('next').addEventListener('click', () => { play(false); show(state.index + 1); });
$('play').addEventListener('click', () => play(!state.playing));
$('slider').addEventListener('input', () => { play(false); show(Number($('slider').value)); });
$('reset').addEventListener('click', () => scene.turn(START));
for (const button of document.querySelectorAll('button[data-yaw]')) {
  button.addEventListener('click', () => scene.turn({
    yaw: Number(button.dataset.yaw), pitch: Number(button.dataset.pitch),
  }));
}
for (const id of ['labels', 'boxes', 'space']) {
  $(id).addEventListener('change', () => show(state.index));
}
for (const name of ['pointermove', 'pointerdown']) {
  $('flat').addEventListener(name, hoverPhoto);
}
$('flat').addEventListener('pointerleave', () => hover(null));
window.addEventListener('resize', () => show(state.index));

$('slider').max = Math.max(0, pictures.length - 1);
$('transport').hidden = pictures.length < 2;
$('space-label').hidden = !pictures.some((p) => p.people.some((q) => q.camera));
if (totals.note) Object.assign($('left-out'), { textContent: totals.note, hidden: false });
if (!pictures.length) $('name').textContent = 'no pictures';
tabulate('conventions', header.conventions);
tabulate('made', header.made);
listThumbs();
show(0);
