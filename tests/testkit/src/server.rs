//! The real binary as a child process: started, killed, restarted on the same data.

use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use url::Url;

use crate::database::Database;
use crate::proxy::Proxy;
use crate::simulator::SimulatorClient;
use crate::twilio::{Account, message_sid};
use crate::widget::WidgetClient;

/// A start of a debug build on a busy machine.
const START: Duration = Duration::from_mins(1);
/// A graceful stop.
const STOP: Duration = Duration::from_secs(30);

/// The line `usher demo --json` prints when it is ready.
#[derive(Debug, Clone, Deserialize)]
pub struct Ready {
    /// The server.
    pub base_url: Url,
    /// The simulator.
    pub simulator_url: Url,
    /// The seeded organisation.
    pub org_id: String,
    /// The seeded session.
    pub session_id: String,
    /// The client's page.
    pub widget_url: Url,
    /// The person.
    pub client: ReadyClient,
    /// The organisation's account.
    pub twilio: ReadyTwilio,
}

/// The seeded contact.
#[derive(Debug, Clone, Deserialize)]
pub struct ReadyClient {
    /// E.164.
    pub phone: String,
}

/// The seeded account.
#[derive(Debug, Clone, Deserialize)]
pub struct ReadyTwilio {
    /// `AC…`.
    pub account_sid: String,
    /// Signs webhooks.
    pub auth_token: String,
    /// E.164.
    pub number: String,
    /// As signed.
    pub sms_webhook_url: String,
}

/// A running `usher demo`.
#[derive(Debug)]
pub struct TestServer {
    exe: PathBuf,
    database: Database,
    home: Arc<TempDir>,
    flags: Vec<String>,
    /// Where the server listens; its public address may be another.
    port: u16,
    ready: Ready,
    running: Option<Running>,
}

/// A running `usher simulate`: phones and vendors that outlive the servers under test.
#[derive(Debug)]
pub struct Simulation {
    url: Url,
    _running: Running,
}

impl Simulation {
    /// Starts it on a free port. It ends when it is dropped.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start(exe: impl AsRef<Path>) -> Result<Self> {
        #[derive(Deserialize)]
        struct Told {
            simulator_url: Url,
        }
        let mut command = command(exe.as_ref());
        command.args(["simulate", "--json", "--port", "0"]).stderr(Stdio::null());
        let (running, Told { simulator_url }) = launch(command, String::new).await?;
        Ok(Self { url: simulator_url, _running: running })
    }

    /// Where it listens.
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Kept open: a server whose standard output is closed dies of it.
    _output: Lines<BufReader<ChildStdout>>,
}

impl TestServer {
    /// Starts `usher demo --json` on free ports and a directory of its own.
    ///
    /// # Errors
    /// When it does not print its line in time; with the server's log.
    pub async fn demo(exe: impl AsRef<Path>, database: Database) -> Result<Self> {
        Self::demo_with(exe, database, &[]).await
    }

    /// The same, with more flags.
    ///
    /// # Errors
    /// When it does not print its line in time; with the server's log.
    pub async fn demo_with(exe: impl AsRef<Path>, database: Database, flags: &[&str]) -> Result<Self> {
        let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
        let home = Arc::new(TempDir::with_prefix("usher-test-")?);
        let exe = exe.as_ref().to_owned();
        Self::first_start(exe, database, home, flags, 0).await
    }

    /// The same, known to the outside by another address and talking to a simulator of its own process.
    ///
    /// # Errors
    /// When it does not print its line in time; with the server's log.
    pub async fn demo_behind(
        exe: impl AsRef<Path>,
        database: Database,
        public: Option<(&Proxy, u16)>,
        simulation: &Simulation,
        flags: &[&str],
    ) -> Result<Self> {
        let mut all = vec!["--simulator-url".to_owned(), simulation.url.to_string()];
        all.extend(flags.iter().map(|&flag| flag.to_owned()));
        if let Some((proxy, _)) = public {
            all.extend(["--public-url".to_owned(), format!("http://{}", proxy.address())]);
        }
        let home = Arc::new(TempDir::with_prefix("usher-test-")?);
        let port = public.map_or(0, |(_, port)| port);
        Self::first_start(exe.as_ref().to_owned(), database, home, all, port).await
    }

    /// A server with a simulator of another process that dies the n-th time it reaches a place (`place:n`); only the first
    /// start does.
    ///
    /// # Errors
    /// When it does not print its line in time; with the server's log.
    pub async fn demo_dying_at(
        exe: impl AsRef<Path>,
        database: Database,
        simulation: &Simulation,
        place: &str,
    ) -> Result<Self> {
        let flags = vec!["--simulator-url".to_owned(), simulation.url.to_string()];
        let home = Arc::new(TempDir::with_prefix("usher-test-")?);
        let exe = exe.as_ref().to_owned();
        let (running, ready) = start(&exe, &database, home.path(), (0, 0), &flags, Some(place)).await?;
        let port = port_of(&ready.base_url)?;
        Ok(Self { exe, database, home, flags, port, ready, running: Some(running) })
    }

    /// Waits until the process has died by itself.
    ///
    /// # Errors
    /// When it lives on, or ends in order.
    pub async fn died(&mut self) -> Result<()> {
        let mut running = self.running.take().context("the server is not running")?;
        let status =
            tokio::time::timeout(START, running.child.wait()).await.context("the server lives")??;
        ensure!(!status.success(), "the server ended in order");
        Ok(())
    }

    async fn first_start(
        exe: PathBuf,
        database: Database,
        home: Arc<TempDir>,
        flags: Vec<String>,
        port: u16,
    ) -> Result<Self> {
        let (running, ready) = start(&exe, &database, home.path(), (port, 0), &flags, None).await?;
        let port = if port == 0 { port_of(&ready.base_url)? } else { port };
        Ok(Self { exe, database, home, flags, port, ready, running: Some(running) })
    }

    /// What the server said when it was ready.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Where it keeps its data.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The process.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().and_then(|running| running.child.id())
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        data_dir(self.home.path())
    }

    /// Everything the server wrote to standard error, over all its starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_path(self.home.path())).unwrap_or_default()
    }

    /// A page of the seeded session.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn widget(&self) -> Result<WidgetClient> {
        WidgetClient::new(self.ready.base_url.as_str(), &self.ready.session_id)
    }

    /// The simulator's control API.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn simulator(&self) -> Result<SimulatorClient> {
        SimulatorClient::new(self.ready.simulator_url.as_str())
    }

    /// The seeded Twilio account.
    pub fn account(&self) -> Account {
        let twilio = &self.ready.twilio;
        Account {
            sid: twilio.account_sid.clone(),
            auth_token: twilio.auth_token.clone(),
            number: twilio.number.clone(),
            sms_url: twilio.sms_webhook_url.clone(),
        }
    }

    /// SIGKILL: the process has no chance to finish anything.
    ///
    /// # Errors
    /// When there is no process to kill.
    pub async fn kill(&mut self) -> Result<()> {
        let mut running = self.running.take().context("the server is not running")?;
        running.child.kill().await.context("the server can be killed")
    }

    /// Starts it again on the same data and the same ports.
    ///
    /// # Errors
    /// When it still runs, or does not become ready.
    pub async fn restart(&mut self) -> Result<()> {
        ensure!(self.running.is_none(), "the server still runs");
        let ports = (self.port, port_of(&self.ready.simulator_url)?);
        let (running, ready) =
            start(&self.exe, &self.database, self.home.path(), ports, &self.flags, None).await?;
        self.running = Some(running);
        self.ready = ready;
        Ok(())
    }

    /// Asks something of the API with the operator's key; `null` asks without a body.
    ///
    /// # Errors
    /// When it is refused; with the answer.
    pub async fn operate(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let key = std::fs::read_to_string(self.data_dir().join("operator.key"))?;
        let url = self.ready.base_url.join(path)?;
        let mut request = crate::http::client()?.request(method.parse()?, url).bearer_auth(key);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{method} {path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// From now on the organisation's calls are held by the rules alone.
    ///
    /// # Errors
    /// When that is refused.
    pub async fn speaks_by_rules(&self) -> Result<()> {
        let path = format!("api/voice/settings/{}", self.ready.org_id);
        let rules = json!({ "provider": "rules", "profile": {} });
        self.operate("PUT", &path, &rules).await.map(drop)
    }

    /// Runs another `usher` command on the same data; the server may run beside it.
    ///
    /// # Errors
    /// When the command fails; with what it printed.
    pub async fn command(&self, arguments: &[&str]) -> Result<String> {
        let output = self.usher(arguments).output().await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "usher {arguments:?}: {}\n{said}\n{errors}", output.status);
        Ok(said)
    }

    fn usher(&self, arguments: &[&str]) -> Command {
        let mut command = command(&self.exe);
        command.args(arguments).arg("--data-dir").arg(self.data_dir()).args(self.database.arguments());
        command
    }

    /// SIGTERM, and the clean exit that must follow.
    ///
    /// # Errors
    /// When the server does not stop cleanly.
    pub async fn terminate(&mut self) -> Result<()> {
        let running = self.running.take().context("the server is not running")?;
        end(running.child).await.with_context(|| self.log())
    }

    /// SIGTERM, and nothing is waited for.
    ///
    /// # Errors
    /// When there is no process to tell.
    pub async fn tell_to_stop(&self) -> Result<()> {
        terminate(self.pid().context("the server is not running")?).await
    }

    /// Waits for the clean exit of a server that was told to stop.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn stopped(&mut self) -> Result<()> {
        let running = self.running.take().context("the server is not running")?;
        ended(running.child).await.with_context(|| self.log())
    }

    /// The end of every test: SIGTERM, a clean exit, and every session equal to the replay of its journal.
    ///
    /// # Errors
    /// When the server does not stop cleanly or left something behind.
    pub async fn stop(mut self) -> Result<()> {
        if self.running.is_some() {
            self.terminate().await?;
        }
        self.command(&["replay", "--all", "--verify"]).await?;
        Ok(())
    }

    /// The pages of people nobody knows yet, who text first and ask for their link.
    ///
    /// # Errors
    /// When they are not answered.
    pub async fn strangers(&self, count: usize) -> Result<Vec<WidgetClient>> {
        let (account, simulator, client) = (self.account(), self.simulator()?, crate::http::client()?);
        let phones: Vec<String> = (0..count).map(|number| format!("+1415555{:04}", 2000 + number)).collect();
        for (number, phone) in (0..).zip(&phones) {
            let status = account.deliver(&client, phone, &message_sid(number), "send me the link").await?;
            ensure!(status == 200, "a first text was answered {status}");
        }
        let mut pages = Vec::with_capacity(count);
        for phone in &phones {
            let token = crate::eventually("the link arrives", START, async || {
                let lines = simulator.conversation(phone).await?;
                let link = lines.iter().find_map(|line| line["text"].as_str()?.split("/s/").nth(1));
                Ok(link.and_then(|rest| rest.split_whitespace().next()).map(str::to_owned))
            });
            pages.push(WidgetClient::new(self.ready.base_url.as_str(), &token.await?)?);
        }
        Ok(pages)
    }

    /// Another process that serves from the same database under the same public address, as behind a load balancer.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn beside(&self) -> Result<Beside> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let base = format!("http://127.0.0.1:{port}/");
        let log = File::create(self.home.path().join("beside.log"))?;
        let child = self
            .usher(&["serve", "--bind", &format!("127.0.0.1:{port}")])
            .args(["--public-url", self.ready.base_url.as_str()])
            .args(["--twilio-api-base", self.ready.simulator_url.as_str()])
            .args(["--elevenlabs-api-base", self.ready.simulator_url.as_str()])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let client = crate::http::client()?;
        crate::eventually("the other process is ready", START, async || {
            let answer = client.get(format!("{base}readyz")).send().await?;
            Ok((answer.status() == 200).then_some(()))
        })
        .await?;
        Ok(Beside { child, base })
    }

    /// The sum of a metric over all its labels that contain `label`; 0 when it was never counted.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn metric(&self, name: &str, label: &str) -> Result<f64> {
        let url = self.ready.base_url.join("metrics")?;
        let text = crate::http::client()?.get(url).send().await?.text().await?;
        let values = text.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, labels) = series.split_once('{').unwrap_or((series, ""));
            (found == name && labels.contains(label)).then(|| value.parse::<f64>().ok())?
        });
        Ok(values.sum())
    }

    /// Bytes of memory the process holds.
    ///
    /// # Errors
    /// When it does not run, or the system does not tell.
    pub fn resident_bytes(&self) -> Result<u64> {
        let pid = self.pid().context("the server runs")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024)
    }
}

/// A process beside a [`TestServer`].
#[derive(Debug)]
pub struct Beside {
    child: Child,
    base: String,
}

impl Beside {
    /// Where it listens, with a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// Never: the address is one of this machine.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.base.trim_start_matches("http://").trim_end_matches('/').parse()?)
    }

    /// SIGTERM, and the clean exit that must follow.
    ///
    /// # Errors
    /// When it does not stop cleanly.
    pub async fn stop(self) -> Result<()> {
        end(self.child).await
    }
}

async fn terminate(pid: u32) -> Result<()> {
    Command::new("kill").arg("-TERM").arg(pid.to_string()).status().await?;
    Ok(())
}

async fn end(child: Child) -> Result<()> {
    terminate(child.id().context("the server ended by itself")?).await?;
    ended(child).await
}

async fn ended(mut child: Child) -> Result<()> {
    let status = tokio::time::timeout(STOP, child.wait()).await;
    let status = status.context("the server did not stop on SIGTERM")??;
    ensure!(status.success(), "the server stopped with {status}");
    Ok(())
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // A failing test already says why; a passing one must have stopped its server.
        let forgotten = self.running.is_some() && !std::thread::panicking();
        if let Some(running) = &mut self.running {
            let _ = running.child.start_kill();
        }
        if forgotten {
            let log = self.log();
            let tail = log.lines().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>();
            #[expect(clippy::print_stderr, reason = "the log of a server whose test ended early")]
            {
                eprintln!("the server was not stopped; the end of its log:\n{}", tail.join("\n"));
            }
        }
    }
}

fn data_dir(home: &Path) -> PathBuf {
    home.join("data")
}

fn log_path(home: &Path) -> PathBuf {
    home.join("server.log")
}

/// The binary with nothing of the caller's settings.
fn command(exe: &Path) -> Command {
    let mut command = Command::new(exe);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("USHER_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn start(
    exe: &Path,
    database: &Database,
    home: &Path,
    ports: (u16, u16),
    flags: &[String],
    dies_at: Option<&str>,
) -> Result<(Running, Ready)> {
    let log: File = OpenOptions::new().create(true).append(true).open(log_path(home))?;
    let mut command = command(exe);
    command.args(["demo", "--json", "--port", &ports.0.to_string()]);
    if !flags.iter().any(|flag| flag == "--simulator-url") {
        command.args(["--simulator-port", &ports.1.to_string()]);
    }
    command.arg("--data-dir").arg(data_dir(home)).args(database.arguments()).args(flags).stderr(log);
    command.envs(dies_at.map(|place| ("USHER_CRASH_POINT", place)));
    launch(command, || std::fs::read_to_string(log_path(home)).unwrap_or_default()).await
}

/// Starts a command and reads the line of JSON it prints when it is ready.
async fn launch<T: DeserializeOwned>(
    mut command: Command,
    log: impl FnOnce() -> String,
) -> Result<(Running, T)> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("the command starts")?;
    let mut output = BufReader::new(child.stdout.take().context("standard output is piped")?).lines();
    let said = tokio::time::timeout(START, output.next_line()).await;
    match said {
        Ok(Ok(Some(line))) => {
            let ready = serde_json::from_str(&line).with_context(|| format!("the first line: {line}"))?;
            Ok((Running { child, _output: output }, ready))
        }
        said => bail!("usher did not become ready ({said:?}); its log:\n{}", log()),
    }
}

fn port_of(url: &Url) -> Result<u16> {
    url.port_or_known_default().context("a URL with a port")
}
