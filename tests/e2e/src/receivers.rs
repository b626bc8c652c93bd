//! Receivers of telemetry that nobody here wrote. `tests/telemetry/setup.sh` installs them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use fixtures::process::{command, output};
use serde_json::Value;

use crate::{Outcome, failed};

/// A receiver that has not come up, or not told what came, after this never will.
const PATIENCE: Duration = Duration::from_secs(30);

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"))
}

/// The directory that the receivers are installed in; installs them first where they are not.
///
/// # Errors
/// They cannot be installed.
fn installed() -> Outcome<PathBuf> {
    let printed = output(command("sh").arg(tests().join("telemetry/setup.sh")))?;
    Ok(PathBuf::from(String::from_utf8_lossy(&printed).trim()))
}

/// What a receiver understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Understood {
    /// Names of spans and metrics.
    pub names: BTreeSet<String>,
    /// Attributes of resources, spans and points.
    pub attributes: BTreeSet<(String, String)>,
}

impl Understood {
    /// The same of telemetry as JSON, one object a line.
    ///
    /// # Errors
    /// A line is not JSON.
    pub fn of_json_lines(text: &str) -> Outcome<Self> {
        let mut understood = Self::default();
        for line in text.lines() {
            understood.collect(&serde_json::from_str(line)?);
        }
        Ok(understood)
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.collect(value)),
            Value::Object(fields) => {
                let text = |path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
                if let (Some(key), Some(member)) = (text("/key"), text("/value/stringValue")) {
                    self.attributes.insert((key, member));
                }
                // Scopes and events have names too, but scopes no data and events no place in what we send.
                let is_named = ["spanId", "sum", "histogram"].iter().any(|field| fields.contains_key(*field));
                self.names.extend(text("/name").filter(|_| is_named));
                fields.values().for_each(|value| self.collect(value));
            }
            _ => {}
        }
    }
}

/// A process that receives, and writes what it understood to a file. Ends with the test.
struct Receiver {
    process: Child,
    written: PathBuf,
}

impl Receiver {
    fn start(program: &mut Command, written: PathBuf, ports: &[u16]) -> Outcome<Self> {
        let file = File::create(&written)?;
        let process = program.stdout(file.try_clone()?).stderr(file).spawn()?;
        let mut receiver = Self { process, written };
        let listens = |port: &u16| TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, *port))).is_ok();
        receiver.wait("listens", |_| ports.iter().all(listens))?;
        Ok(receiver)
    }

    /// What was written once `is_enough` says so.
    #[track_caller]
    fn wait(&mut self, what: &str, is_enough: impl Fn(&str) -> bool) -> Outcome<String> {
        let started = Instant::now();
        loop {
            let text = fs::read_to_string(&self.written)?;
            if is_enough(&text) {
                return Ok(text);
            }
            if let Some(status) = self.process.try_wait()? {
                return Err(failed(format!("the receiver ended with {status}:\n{text}")));
            }
            if started.elapsed() > PATIENCE {
                return Err(failed(format!("the receiver never {what}:\n{text}")));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.process.kill().and_then(|()| self.process.wait()).ok();
    }
}

/// A port that was free a moment ago.
fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Rotel, a collector that takes OTLP by HTTP and by gRPC and prints all of it.
pub struct Rotel {
    receiver: Receiver,
    http: u16,
    grpc: u16,
}

impl Rotel {
    /// Starts it with its files in `directory`.
    ///
    /// # Errors
    /// It cannot be installed or started; it needs Python's shared library.
    pub fn start(directory: &Path) -> Outcome<Self> {
        let installed = installed()?;
        let find = "import rotel, pathlib; print(pathlib.Path(rotel.__file__).parent / 'rotel-agent')";
        let agent = output(command(installed.join("bin/python")).args(["-c", find]))?;
        let (http, grpc) = (free_port()?, free_port()?);
        let mut rotel = command(String::from_utf8_lossy(&agent).trim());
        rotel.args(["start", "--exporter", "blackhole", "--debug-log-verbosity", "detailed"]);
        rotel.args(["--debug-log", "traces", "--debug-log", "metrics", "--pid-file"]);
        rotel.arg(directory.join("rotel.pid"));
        rotel.args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")]);
        rotel.args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")]);
        let receiver = Receiver::start(&mut rotel, directory.join("rotel.log"), &[http, grpc])?;
        Ok(Self { receiver, http, grpc })
    }

    /// Where it takes OTLP by HTTP.
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// Where it takes OTLP by gRPC.
    pub fn grpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    /// What it understood, as soon as it has both spans and metrics.
    ///
    /// # Errors
    /// They never came.
    #[track_caller]
    pub fn understood(&mut self) -> Outcome<Understood> {
        let is_whole = |text: &str| text.contains("ResourceSpans #0") && text.contains("ResourceMetrics #0");
        self.receiver.wait("told of spans and metrics", is_whole)?;
        // Requests are printed one after the other, each by several writes.
        thread::sleep(Duration::from_millis(500));
        Ok(read_dump(&fs::read_to_string(&self.receiver.written)?))
    }
}

/// Reads `-> KEY: Str(VALUE)` for attributes, and `Name : NAME` for spans and `-> Name: NAME` for metrics.
fn read_dump(text: &str) -> Understood {
    let mut understood = Understood::default();
    for line in text.lines().map(str::trim) {
        let Some((key, value)) = line.split_once(':') else { continue };
        let (key, value) = (key.trim_start_matches("->").trim(), value.trim());
        if key == "Name" {
            understood.names.insert(value.to_owned());
        } else if let Some(text) = value.strip_prefix("Str(").and_then(|rest| rest.strip_suffix(')')) {
            understood.attributes.insert((key.to_owned(), text.to_owned()));
        }
    }
    understood
}

/// OtelTap, which takes OTLP by HTTP and prints it as Google's protobuf library understands it.
pub struct OtelTap {
    receiver: Receiver,
    port: u16,
}

impl OtelTap {
    /// Starts it with its files in `directory`.
    ///
    /// # Errors
    /// It cannot be installed or started.
    pub fn start(directory: &Path) -> Outcome<Self> {
        let port = free_port()?;
        let mut tap = command(installed()?.join("bin/python"));
        tap.args(["-u", "-m", "oteltap", "--port", &port.to_string()]);
        let receiver = Receiver::start(&mut tap, directory.join("oteltap.log"), &[port])?;
        Ok(Self { receiver, port })
    }

    /// Where it takes OTLP by HTTP.
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it understood, as soon as it has both spans and metrics. It does not print resources.
    ///
    /// # Errors
    /// They never came.
    #[track_caller]
    pub fn understood(&mut self) -> Outcome<Understood> {
        let is_whole = |text: &str| text.contains("\"spanId\"") && text.contains("\"explicitBounds\"");
        self.receiver.wait("told of spans and metrics", is_whole)?;
        thread::sleep(Duration::from_millis(500));
        let text = fs::read_to_string(&self.receiver.written)?;
        let objects: Vec<_> = text.lines().filter(|line| line.starts_with('{')).collect();
        Understood::of_json_lines(&objects.join("\n"))
    }
}

/// Has Microsoft's own models read and write the items in a request's body, and insists that nothing is lost.
///
/// # Errors
/// The models do not take an item as it is; the error holds what is wrong with it.
pub fn read_by_microsofts_models(body: &[u8]) -> Outcome {
    let mut check = command(installed()?.join("bin/python"));
    check.arg(tests().join("telemetry/models.py"));
    fixtures::process::output_with_input(&mut check, body)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dumps_and_json_tell_the_same() {
        let dump = "\
            Resource attributes:\n     -> service.name: Str(imagecustomizer)\n\
            Span #0\n    Name           : imagecustomizer.run\n\
            Attributes:\n     -> error.type: Str(none)\n\
            Descriptor:\n     -> Name: imagecustomizer.runs\n     -> Unit: {run}\n";
        let json = concat!(
            r#"{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"imagecustomizer"}}]},"#,
            r#""scopeSpans":[{"scope":{"name":"scope"},"spans":[{"spanId":"1","name":"imagecustomizer.run","#,
            r#""attributes":[{"key":"error.type","value":{"stringValue":"none"}}]}]}]}"#,
            "\n",
            r#"{"name":"imagecustomizer.runs","unit":"{run}","sum":{"dataPoints":[]}}"#,
        );
        assert_eq!(read_dump(dump), Understood::of_json_lines(json).unwrap());
    }
}
