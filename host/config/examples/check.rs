//! Checks configuration files: `check FILE…` prints `ok` or what is wrong.
#![allow(clippy::print_stdout, reason = "it is a program")]
fn main() {
    for file in std::env::args().skip(1) {
        let options = imagecustomizer_config::LoadOptions {
            mode: imagecustomizer_config::Mode::ValidateConfig,
            ..Default::default()
        };
        match imagecustomizer_config::load(std::path::Path::new(&file), &options) {
            Ok(config) => {
                let history = config.history(&Default::default());
                println!("{file}: ok {}", imagecustomizer_config::history_text(&history));
            }
            Err(problems) => println!("{file}: {:?}\n{problems}", problems.names()),
        }
    }
}
