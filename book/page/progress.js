// Marks a chapter as read, and shows how far its exercise is. Only the study site can keep marks: it writes them to the
// file that `cargo exercise` keeps too.
'use strict';
(async () => {
    const token = document.querySelector('meta[name="study-token"]')?.content;
    const exercise = document.querySelector('.exercise');
    if (!token || !exercise) return;
    const chapter = location.pathname.split('/').pop().replace(/\.html$/, '');
    const status = document.createElement('p');
    const label = document.createElement('label');
    const box = document.createElement('input');
    const notice = document.createElement('span');
    box.type = 'checkbox';
    label.append(box, ' I have read this chapter');
    status.className = 'progress';
    status.append(label, ' ', notice);
    notice.setAttribute('role', 'status');

    async function ask(options) {
        try {
            const answer = await fetch('/progress', options);
            const body = await answer.json();
            if (!answer.ok) throw new Error(body.detail);
            const { chapters, exercises } = body.progress;
            box.checked = chapters[chapter]?.read ?? false;
            const state = exercises[exercise.dataset.exercise]?.state;
            notice.textContent = body.notice ?? (state ? `The exercise is ${state}.` : '');
        } catch (error) {
            notice.textContent = `Progress cannot be kept: ${error.message}`;
        }
    }
    box.addEventListener('change', () => ask({
        method: 'PUT', body: JSON.stringify({ chapters: { [chapter]: { read: box.checked } } }),
        headers: { 'content-type': 'application/json', 'x-study-token': token },
    }));
    await ask();
    exercise.append(status);
})();
