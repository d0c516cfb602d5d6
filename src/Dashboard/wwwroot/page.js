// Small things that only the browser knows: its clock and zone, whether the server still speaks, the theme cookie.
(() => {
    const language = document.documentElement.lang;
    const styles = {
        clock: new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
        full: new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" }),
    };
    let lastTick = performance.now();
    let lastTickClock = Date.now();

    function fill(root) {
        for (const element of root.querySelectorAll?.("[data-zone-time]") ?? []) fillOne(element);
    }

    function fillOne(element) {
        const time = new Date(Number(element.dataset.zoneTime));
        element.textContent = styles[element.dataset.style]?.format(time) ?? "";
        element.title = `${styles.full.format(time)} (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
    }

    new MutationObserver(changes => {
        for (const change of changes) {
            if (change.type === "attributes") {
                if (change.attributeName === "data-tick") { lastTick = performance.now(); lastTickClock = Date.now(); }
                else fillOne(change.target);
            } else {
                for (const node of change.addedNodes) {
                    if (node.nodeType !== 1) continue;
                    if (node.matches("[data-zone-time]")) fillOne(node);
                    fill(node);
                }
            }
        }
    }).observe(document.documentElement, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-zone-time", "data-tick"] });
    fill(document);

    // The server ticks once a second; the last link of the chain of freshness is how long it has not.
    setInterval(() => {
        const age = (performance.now() - lastTick) / 1000;
        for (const link of document.querySelectorAll("[data-browser-link]")) {
            link.dataset.freshness = age < 4 ? "fresh" : age < 15 ? "late" : "gone";
            link.querySelector("[data-age]").textContent = `${Math.floor(age)}${language === "ja" ? "秒" : " s"}`;
        }
        for (const since of document.querySelectorAll("[data-shown-until]")) since.textContent = styles.clock.format(lastTickClock);
    }, 1000);

    // A dashboard that was restarted does not know this page any more: load it again as soon as it answers.
    const notice = document.getElementById("components-reconnect-modal");
    let asking = false;
    if (notice) new MutationObserver(() => {
        const lost = notice.classList.contains("components-reconnect-rejected") || notice.classList.contains("components-reconnect-failed");
        if (!lost || asking) return;
        asking = true;
        const ask = () => fetch("healthz", { cache: "no-store" }).then(answer => answer.ok ? location.reload() : setTimeout(ask, 3000), () => setTimeout(ask, 3000));
        ask();
    }).observe(notice, { attributes: true, attributeFilter: ["class"] });

    window.mcn = {
        setTheme(cookie, theme) {
            document.cookie = `${cookie}=${theme};path=/;max-age=31536000;samesite=lax`;
            document.documentElement.dataset.theme = theme;
        },
    };
})();
