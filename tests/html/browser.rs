//! A browser, driven: Debian's `chromium` through its `chromium-driver` (W3C WebDriver).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

/// One browser at a time: two processors are soon busy.
static ONE: Mutex<()> = Mutex::new(());

/// The driver's process. It ends with this value, and its browsers with it.
struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    fn start() -> std::io::Result<Self> {
        let mut process =
            Command::new("chromedriver").arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        let port = loop {
            line.clear();
            assert!(said.read_line(&mut line)? > 0, "chromedriver ended before it was ready");
            if let Some((_, rest)) = line.split_once("started successfully on port ") {
                break rest.trim_end().trim_end_matches('.').parse().unwrap();
            }
        };
        process.stdout = Some(said.into_inner());
        Ok(Self { process, port })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It closes its browsers when it is asked to, and leaves them when it is killed.
        let asked = TcpStream::connect(("127.0.0.1", self.port)).and_then(|mut stream| {
            stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
            stream.read_to_end(&mut Vec::new())
        });
        if asked.is_err() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// A tab of a browser.
pub struct Tab {
    pub client: Client,
}

/// A command of Chromium's own.
#[derive(Debug)]
struct Own {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

impl Tab {
    /// Opens a file.
    pub async fn open(&self, file: &Path) {
        self.client.goto(&format!("file://{}", file.display())).await.unwrap();
    }

    /// What a script says; `return` what is wanted.
    pub async fn ask(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// A command of the DevTools protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.client.issue_cmd(Own { path: "goog/cdp/execute", body }).await.unwrap()
    }

    /// The browser's messages and requests since it was last asked.
    pub async fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.client.issue_cmd(Own { path: "se/log", body: json!({ "type": kind }) }).await.unwrap();
        entries.as_array().unwrap().clone()
    }

    /// Addresses that were asked for since this was last asked.
    pub async fn requests(&self) -> Vec<String> {
        let entries = self.log("performance").await;
        let messages = entries
            .iter()
            .map(|entry| serde_json::from_str::<Value>(entry["message"].as_str().unwrap()).unwrap()["message"].clone());
        let sent = messages.filter(|message| message["method"] == "Network.requestWillBeSent");
        sent.map(|message| message["params"]["request"]["url"].as_str().unwrap().to_owned()).collect()
    }

    /// A screen of this size, light or dark.
    pub async fn screen(&self, (width, height): (u32, u32), scheme: &str) {
        let mobile = width < 500;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        self.media("screen", scheme).await;
    }

    /// Screen or paper, light or dark.
    pub async fn media(&self, media: &str, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "media": media, "features": features })).await;
    }

    /// Keeps a picture of what is to be seen, for people: `target/tmp/html/NAME.png`.
    pub async fn picture(&self, name: &str) {
        std::fs::write(kept().join(format!("{name}.png")), self.client.screenshot().await.unwrap()).unwrap();
    }
}

/// The folder for sites and pictures of them, for people to look at.
pub fn kept() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("html");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs a test in a browser. Where there is none and nobody relies on it, says so and returns.
pub fn browse(test: impl AsyncFnOnce(&Tab)) {
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let driver = match Driver::start() {
        Ok(driver) => driver,
        Err(error) if std::env::var_os("CI").is_none() => {
            let _ = writeln!(
                std::io::stderr(),
                "not tried: chromedriver cannot be run ({error}); Debian: chromium chromium-driver"
            );
            return;
        }
        Err(error) => panic!("chromedriver cannot be run ({error}); Debian: chromium chromium-driver"),
    };
    let profile = tempfile::tempdir().unwrap();
    let options = json!({ "args": [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
        "--window-size=1280,900", format!("--user-data-dir={}", profile.path().display()),
    ] });
    let logs = json!({ "browser": "ALL", "performance": "ALL" });
    let capabilities = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": logs });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        let client = builder.connect(&format!("http://127.0.0.1:{}", driver.port)).await.unwrap();
        let tab = Tab { client };
        test(&tab).await;
        tab.client.close().await.unwrap();
    });
}
