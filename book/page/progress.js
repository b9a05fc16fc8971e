// Marks a chapter as read, and shows how far each exercise is and what was said of the last answer, while the learner works in
// the editor. Only the study site can keep marks: it writes them to the file that `cargo exercise` keeps too.
'use strict';
(async () => {
    const token = document.querySelector('meta[name="study-token"]')?.content;
    const exercise = document.querySelector('.exercise');
    const rows = [...document.querySelectorAll('.all-exercises tr[data-exercise]')];
    if (!token || (!exercise && !rows.length)) return;
    const chapter = location.pathname.split('/').pop().replace(/\.html$/, '');
    const [status, verdict, notice] = ['p', 'pre', 'span'].map(name => document.createElement(name));
    const [label, box, folder] = ['label', 'input', 'button'].map(name => document.createElement(name));
    box.type = 'checkbox';
    folder.type = 'button';
    folder.textContent = 'Open its folder';
    label.append(box, ' I have read this chapter');
    status.className = 'progress';
    verdict.className = 'last-verdict';
    verdict.hidden = true;
    verdict.setAttribute('aria-live', 'polite');
    status.append(label, ' ', folder, ' ', notice);
    notice.setAttribute('role', 'status');

    async function ask(path, options) {
        try {
            const answer = await fetch(path, options);
            const body = await answer.json();
            if (!answer.ok) throw new Error(body.detail);
            return body;
        } catch (error) {
            notice.textContent = `The study site does not answer: ${error.message}`;
        }
    }
    const write = (method, body) =>
        ({ method, body: JSON.stringify(body), headers: { 'content-type': 'application/json', 'x-study-token': token } });

    // An exercise with several stages is more than started once the first of them holds.
    const reached = (mark, stages) => mark?.stage && mark.state !== 'solved' ? `stage ${mark.stage} of ${stages}` : undefined;

    function show({ progress: { chapters, exercises }, notice: told }) {
        for (const row of rows) {
            const mark = exercises[row.dataset.exercise];
            row.querySelector('.exercise-state').textContent = reached(mark, row.dataset.stages) ?? mark?.state ?? '–';
            row.querySelector('.exercise-attempts').textContent = mark?.attempts || '–';
        }
        if (!exercise) return;
        const mark = exercises[exercise.dataset.exercise];
        const { state, attempts, last } = mark ?? {};
        const stage = reached(mark, exercise.dataset.stages);
        box.checked = chapters[chapter]?.read ?? false;
        const tries = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
        notice.textContent = told ?? (state ? `The exercise is ${stage ? `past ${stage}` : state}${attempts ? `, ${tries}` : ''}.` : '');
        // Text, never markup: it holds what the learner's program has printed.
        verdict.textContent = last ? `last verdict: ${last.solved ? 'solved' : stage ?? 'not yet'}\n\n${last.text}` : '';
        verdict.hidden = !last;
    }

    box.addEventListener('change', async () => {
        const body = await ask('/progress', write('PUT', { chapters: { [chapter]: { read: box.checked } } }));
        if (body) show(body);
    });
    folder.addEventListener('click', async () => {
        const body = await ask(`/exercise/${exercise.dataset.number}/open`, write('POST', {}));
        if (body && !body.opened) notice.textContent = `No file manager opens here. The folder is ${body.folder}`;
    });
    async function look() {
        const body = document.hidden ? undefined : await ask('/progress');
        if (body) show(body);
        // One small file on this machine: looking once a second costs less than a channel that is kept open.
        setTimeout(look, 1000);
    }
    exercise?.append(status, verdict);
    await look();
})();
