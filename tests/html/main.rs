//! The HTML report in a real browser: it sorts, filters, opens pages, fits a phone and the dark, and hostile
//! text does nothing but be read.
//!
//! The sites, and pictures of what was seen, are kept in `target/tmp/html`.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod browser;
mod cohort;

use std::collections::BTreeMap;
use std::time::Duration;

use browser::{Tab, browse};
use fantoccini::Locator;
use fantoccini::key::Key;
use serde_json::{Value, json};

/// Text of the first cell of the rows that are drawn, and how many rows there are.
const ROWS: &str = "return { rows: Number(document.querySelector('#matrix').getAttribute('aria-rowcount')) - 2, \
    names: [...document.querySelectorAll('#matrix tbody tr[data-place] th a')].map((link) => link.textContent), \
    status: document.querySelector('#status').textContent, hash: location.hash }";

/// Waits for a place in the page.
async fn wait(tab: &Tab, css: &str) {
    tab.client.wait().at_most(Duration::from_secs(60)).for_element(Locator::Css(css)).await.unwrap();
}

async fn click(tab: &Tab, css: &str) {
    tab.client.find(Locator::Css(css)).await.unwrap().click().await.unwrap();
}

async fn choose(tab: &Tab, select: &str, value: &str) {
    let select = tab.client.find(Locator::Id(select)).await.unwrap();
    select.select_by_value(value).await.unwrap();
}

/// Places on a page that are wider than the screen, though nothing lets them scroll.
const OVERFLOW: &str = "const wide = document.documentElement.clientWidth; \
    return document.documentElement.scrollWidth <= wide ? [] : [...document.querySelectorAll('body *')] \
    .filter((e) => e.getBoundingClientRect().right > wide + 1 && !e.closest('.region, .scroll, pre, .vh')) \
    .map((e) => e.outerHTML.slice(0, 120)).concat(['too wide'])";

/// Texts whose contrast with their ground is below 4.5 to 1 (WCAG 2.2, 1.4.3).
const FAINT: &str = r"
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const bytes = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const light = (colour) => { const [r, g, b] = bytes(colour).map((v) => v / 255)
        .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const ground = (e) => { for (; e; e = e.parentElement) {
        const band = e.localName === 'g' && e.querySelector(':scope > .band');
        if (band) return getComputedStyle(band).fill;
        const colour = getComputedStyle(e).backgroundColor; if (bytes(colour)[3] > 250) return colour; } return 'white'; };
    const found = [];
    for (const e of document.querySelectorAll('body *')) {
        if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
        if (e.closest('script, noscript, .vh, title, desc') || e.localName === 'option') continue;
        const style = getComputedStyle(e);
        const [a, b] = [light(e.namespaceURI.includes('svg') ? style.fill : style.color), light(ground(e))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${e.localName}.${e.getAttribute('class')}: ${e.textContent.slice(0, 30)}`);
    }
    return [...new Set(found)].slice(0, 20);";

fn empty(list: &Value) {
    assert_eq!(list, &json!([]));
}

#[test]
fn the_index_sorts_filters_and_leads_to_pages() {
    let site = cohort::write("cohort", cohort::entries(60, true));
    browse(async |tab| {
        tab.screen((1280, 900), "light").await;
        tab.open(&site.join("index.html")).await;
        wait(tab, "#matrix tbody tr[data-place]").await;
        tab.picture("index-light").await;
        let all = tab.ask(ROWS).await;
        assert_eq!((all["rows"].as_u64(), all["hash"].as_str()), (Some(60), Some("")), "{all}");
        let names: Vec<&str> = all["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(&names[..3], ["Ann O’Neill 4", "Ann O’Neill 12", "Ann O’Neill 20"], "numbers are sorted as such");

        click(tab, "button[data-sort='points']").await;
        let best = tab.ask(
            "return [...document.querySelectorAll('#matrix td.number')].slice(0, 2).map((cell) => Number(cell.textContent))",
        ).await;
        assert!(best[0].as_f64() >= best[1].as_f64() && best[0].as_f64() > Some(50.0), "{best}");
        let sorted = "return document.querySelector('th.number').getAttribute('aria-sort')";
        assert_eq!(tab.ask(sorted).await, "descending");
        assert_eq!(tab.ask("return document.activeElement.dataset.sort").await, "points", "the focus stays");

        choose(tab, "verdict", "f").await;
        choose(tab, "role", "tcp-server").await;
        let failing = tab.ask(ROWS).await;
        let number = failing["rows"].as_u64().unwrap();
        assert!(number > 0 && number < 60, "{failing}");
        let roles = tab.ask("return [...document.querySelectorAll('th.role')].map((head) => head.textContent)").await;
        assert_eq!(roles, json!(["TCP server"]));
        let without = tab.ask("return [...document.querySelectorAll('#matrix tbody tr[data-place]')].filter((row) => !row.querySelector('td.f')).length").await;
        assert_eq!(without, 0, "each row that is left has a failure");
        tab.picture("index-filtered").await;

        // The address says it all: whoever gets it sees the same.
        let hash = failing["hash"].as_str().unwrap().to_owned();
        assert!(
            hash.contains("role=tcp-server") && hash.contains("verdict=f") && hash.contains("sort=-points"),
            "{hash}"
        );
        tab.client.goto("about:blank").await.unwrap();
        tab.client.goto(&format!("file://{}{hash}", site.join("index.html").display())).await.unwrap();
        wait(tab, "#matrix tbody tr[data-place]").await;
        assert_eq!(tab.ask(ROWS).await["rows"].as_u64(), Some(number));
        click(tab, "#clear").await;
        assert_eq!(tab.ask(ROWS).await["rows"].as_u64(), Some(60));

        let text = tab.client.find(Locator::Id("text")).await.unwrap();
        text.send_keys("asa oberg 40008").await.unwrap();
        let found = tab.ask(ROWS).await;
        assert_eq!(found["names"], json!(["Åsa Öberg 8"]), "by name without accents, and by number");
        assert_eq!(found["status"], "1 of 60 submissions.");
        click(tab, "#clear").await;

        // A cause leads to those who share it.
        let many: u64 = {
            let head = tab.client.find(Locator::Css(".cluster h3 .many")).await.unwrap().text().await.unwrap();
            head.split(' ').next().unwrap().parse().unwrap()
        };
        click(tab, ".cluster .js").await;
        wait(tab, "#uncause:not([hidden])").await;
        assert_eq!(tab.ask(ROWS).await["rows"].as_u64(), Some(many));
        click(tab, "#uncause").await;

        // With the keyboard alone.
        tab.ask("document.querySelector('#region').focus()").await;
        let keys = tab.client.active_element().await.unwrap();
        keys.send_keys(&Key::Down.to_string()).await.unwrap();
        for _ in 0..2 {
            let keys = tab.client.active_element().await.unwrap();
            keys.send_keys(&Key::Down.to_string()).await.unwrap();
        }
        let focused = tab.client.active_element().await.unwrap();
        assert!(focused.attr("href").await.unwrap().unwrap().starts_with("submissions/s"));
        focused.send_keys(&Key::Enter.to_string()).await.unwrap();
        wait(tab, ".score").await;
        assert!(tab.client.current_url().await.unwrap().path().contains("/submissions/s"));
        empty(&Value::Array(tab.log("browser").await));
    });
}

#[test]
fn a_page_shows_the_exchange_and_where_it_went_wrong() {
    // The first with a server that resets its connections.
    let number = cohort::entries(60, false).position(|entry| format!("{entry:?}").contains("reset-instead-of-close"));
    let id = format!("s{:04}.html", number.unwrap());
    let site = cohort::write("pages", cohort::entries(number.unwrap() + 1, true).skip(number.unwrap()));
    browse(async |tab| {
        for (folder, scheme) in [("submissions", "light"), ("students", "dark")] {
            tab.screen((1100, 1400), scheme).await;
            tab.open(&site.join(folder).join(&id)).await;
            wait(tab, ".exchange svg").await;
            tab.picture(&format!("page-{folder}-{scheme}")).await;
            let told = tab.ask(
                "const svg = [...document.querySelectorAll('.exchange svg')].find((one) => one.textContent.includes('RST: resets')); \
                 const named = (kind) => document.getElementById(svg.getAttribute('aria-labelledby').split(' ')[kind]).textContent; \
                 const box = (one) => one.getBoundingClientRect(); const hit = svg.querySelector('.hit'); \
                 svg.scrollIntoView({ block: 'center' }); \
                 return { title: named(0), desc: named(1), hit: hit.textContent, inside: box(svg).bottom >= box(hit).bottom, \
                          text: svg.closest('article').querySelector('.ladder').textContent, \
                          output: svg.closest('article').textContent }",
            ).await;
            assert_eq!(told["title"], "The exchange between grader (client) and your server");
            assert!(told["desc"].as_str().unwrap().contains("Where it went wrong: at "), "{told}");
            assert!(told["hit"].as_str().unwrap().contains("RST") && told["inside"] == true, "{told}");
            assert!(told["text"].as_str().unwrap().lines().any(|line| line.starts_with("✗ ") && line.contains("RST")));
            tab.picture(&format!("diagram-{scheme}")).await;
            let line = tab.client.find(Locator::Css(".command")).await.unwrap().text().await.unwrap();
            let wanted = if folder == "submissions" {
                format!("sockspec check export/{} --assignment lab2.yaml --seed 42", &id[..5])
            } else {
                "sockspec check . --seed 42".to_owned()
            };
            assert_eq!(line, wanted);
            let links =
                tab.ask("return [...document.querySelectorAll('a')].map((link) => link.getAttribute('href'))").await;
            let out = links.as_array().unwrap().iter().filter(|link| !link.as_str().unwrap().starts_with('#')).count();
            assert_eq!(out, if folder == "submissions" { 2 } else { 0 }, "a student's page leads nowhere: {links}");
            // Every link within the page has a place to go to.
            let dangling = tab.ask("return [...document.querySelectorAll('a[href^=\"#\"]')].map((link) => link.getAttribute('href').slice(1)).filter((id) => !document.getElementById(id))").await;
            empty(&dangling);
            let twice = tab.ask("const ids = [...document.querySelectorAll('[id]')].map((one) => one.id); return ids.filter((id, at) => ids.indexOf(id) !== at)").await;
            empty(&twice);
        }
        empty(&Value::Array(tab.log("browser").await));
    });
}

#[test]
fn hostile_text_is_only_read() {
    let site = cohort::write("hostile", cohort::entries(3, false).chain([cohort::hostile()]));
    browse(async |tab| {
        // What the browser itself asked for to start with.
        tab.client.goto("about:blank").await.unwrap();
        tab.requests().await;
        for file in ["index.html", "submissions/hostile.html", "students/hostile.html"] {
            tab.open(&site.join(file)).await;
            wait(tab, "main").await;
            let seen = tab.ask(
                "for (const one of document.querySelectorAll('details')) one.open = true; \
                 return { broken: window.broken ?? null, images: document.querySelectorAll('img').length, \
                 scripts: document.querySelectorAll('script:not([type]):not(:last-child), [onerror], [onfocus], a[href^=javascript]').length, \
                 text: document.body.innerText.includes('<script>window.broken=1</script><img src=x'), \
                 turned: /[\\u202a-\\u202e\\u2066-\\u2069\\u0000\\u001b]/.test(document.documentElement.outerHTML) }",
            ).await;
            assert_eq!(
                seen,
                json!({ "broken": null, "images": 0, "scripts": 0, "text": true, "turned": false }),
                "{file}"
            );
            tab.picture(&format!("hostile-{}", file.replace(['/', '.'], "-"))).await;
            // The policy is at work: even what was let in would not run or load.
            let blocked = tab.client.execute_async(
                "const done = arguments[arguments.length - 1]; const seen = []; \
                 document.addEventListener('securitypolicyviolation', (event) => { seen.push(event.effectiveDirective); if (seen.length === 2) done(seen.sort()); }); \
                 const image = document.createElement('img'); image.src = 'http://127.0.0.1:9/x.png'; document.body.append(image); \
                 const script = document.createElement('script'); script.textContent = 'window.broken = 1'; document.body.append(script);",
                Vec::new(),
            ).await.unwrap();
            assert_eq!(blocked, json!(["img-src", "script-src-elem"]), "{file}");
            assert_eq!(tab.ask("return window.broken ?? null").await, Value::Null);
        }
        let requests = tab.requests().await;
        assert!(
            requests.len() >= 3
                && requests.iter().all(|url| url.starts_with("file://") || url.contains("127.0.0.1:9/")),
            "{requests:?}"
        );
    });
}

#[test]
fn pages_fit_a_phone_the_dark_and_paper() {
    let site = cohort::write("screens", cohort::entries(24, true).chain([cohort::hostile()]));
    browse(async |tab| {
        for (file, name) in [
            ("index.html", "index"),
            ("submissions/s0002.html", "page"),
            ("submissions/hostile.html", "hostile"),
            ("students/s0009.html", "unread"),
        ] {
            for scheme in ["light", "dark"] {
                tab.screen((360, 740), scheme).await;
                tab.open(&site.join(file)).await;
                wait(tab, "main").await;
                empty(&tab.ask(OVERFLOW).await);
                tab.picture(&format!("{name}-phone-{scheme}")).await;
                tab.ask("for (const one of document.querySelectorAll('details')) one.open = true").await;
                empty(&tab.ask(OVERFLOW).await);
                empty(&tab.ask(FAINT).await);
                let ground = tab.ask("return getComputedStyle(document.body).backgroundColor").await;
                assert_eq!(ground == "rgb(20, 22, 26)", scheme == "dark", "{ground}");
            }
            tab.screen((1280, 900), "dark").await;
            tab.open(&site.join(file)).await;
            wait(tab, "main").await;
            tab.picture(&format!("{name}-dark")).await;
            tab.media("print", "dark").await;
            let closed = tab.ask("return [...document.querySelectorAll('details > :not(summary)')].filter((one) => !one.checkVisibility() && !one.matches('.vh')).length").await;
            assert_eq!(closed, 0, "on paper everything is open: {file}");
            assert_eq!(tab.ask("return getComputedStyle(document.body).backgroundColor").await, "rgb(255, 255, 255)");
            let paper = tab.client.print(Default::default()).await.unwrap();
            std::fs::write(browser::kept().join(format!("{name}.pdf")), paper).unwrap();
        }
    });
}

#[test]
fn without_a_script_there_is_a_plain_table() {
    let site = cohort::write("plain", cohort::entries(20, false));
    browse(async |tab| {
        tab.screen((1280, 900), "light").await;
        tab.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        tab.open(&site.join("index.html")).await;
        let rows = tab.client.find_all(Locator::Css(".plain tbody tr")).await.unwrap();
        assert_eq!(rows.len(), 20);
        assert!(!tab.client.find(Locator::Id("filters")).await.unwrap().is_displayed().await.unwrap());
        let link = rows[4].find(Locator::Css("th a")).await.unwrap();
        assert_eq!(link.attr("href").await.unwrap().as_deref(), Some("submissions/s0004.html"));
        tab.ask("document.querySelector('.plain').scrollIntoView()").await;
        tab.picture("index-plain").await;
    });
}

/// How the page is acted on where time counts: a driver's own clicks wait for much.
const ACTS: &str = "const sort = (name) => document.querySelector(`button[data-sort='${name}']`).click(); \
    const pick = (id, value) => { const one = document.getElementById(id); one.value = value; \
    one.dispatchEvent(new Event(id === 'text' ? 'input' : 'change', { bubbles: true })); };";

/// Seconds of processor time that the page has taken.
async fn worked(tab: &Tab) -> f64 {
    let metrics = tab.devtools("Performance.getMetrics", json!({})).await;
    let all = metrics["metrics"].as_array().unwrap();
    all.iter().find(|metric| metric["name"] == "TaskDuration").unwrap()["value"].as_f64().unwrap()
}

#[test]
fn two_thousand_submissions_are_quick() {
    let site = cohort::write("many", cohort::entries(2000, false));
    let index = site.join("index.html");
    let size = std::fs::metadata(&index).unwrap().len();
    assert!(size < 6 << 20, "{size} bytes");
    browse(async |tab| {
        tab.screen((1280, 900), "light").await;
        tab.open(&index).await;
        wait(tab, "#matrix tbody tr[data-place]").await;
        // The browser's own time, not that in which it waits for a processor.
        tab.devtools("Performance.enable", json!({ "timeDomain": "threadTicks" })).await;
        let mut took = BTreeMap::new();
        for (name, act) in [
            ("sort by points", "sort('points')"),
            ("sort by name", "sort('name')"),
            ("sort by requirement", "sort('tcp-server/TCPS-6')"),
            ("filter by verdict", "pick('verdict', 'f')"),
            ("filter by text", "pick('text', 'oberg 1')"),
            ("clear", "document.getElementById('clear').click()"),
        ] {
            let before = worked(tab).await;
            tab.ask(&format!("{ACTS} {act}; document.body.offsetHeight")).await;
            took.insert(name, worked(tab).await - before);
        }
        let drawn = tab.ask("return document.querySelectorAll('#matrix tbody tr[data-place]').length").await;
        std::fs::write(browser::kept().join("quick.txt"), format!("{size} bytes, seconds: {took:#?}\n")).unwrap();
        assert!(drawn.as_u64().unwrap() < 120, "only what is in view is drawn: {drawn}");
        assert!(took.values().all(|seconds| *seconds < 2.0), "{took:?}");
        // All of it can be reached by scrolling.
        tab.ask("const region = document.querySelector('#region'); region.scrollTop = region.scrollHeight").await;
        wait(tab, "tr[aria-rowindex='2002']").await;
        tab.picture("index-2000").await;
    });
}
