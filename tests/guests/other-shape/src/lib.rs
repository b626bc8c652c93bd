//! Exports the step interface under its right name, but in another shape: a description without annotations.

wit_bindgen::generate!({
    inline: "
        package guests:other-shape;

        world other-shape {
            export customizer:step/step@0.1.0;
        }

        package customizer:step@0.1.0 {
            interface step {
                record description {
                    name: string,
                    version: string,
                    summary: string,
                    settings-schema: string,
                }
                describe: func() -> description;
                run: func(settings: string) -> result<_, string>;
            }
        }
    ",
    world: "guests:other-shape/other-shape",
    generate_all,
});

use exports::customizer::step::step::{Description, Guest};

struct OtherShape;

impl Guest for OtherShape {
    fn describe() -> Description {
        Description {
            name: "other-shape".into(),
            version: "0.1.0".into(),
            summary: String::new(),
            settings_schema: "{}".into(),
        }
    }

    fn run(_: String) -> Result<(), String> {
        Ok(())
    }
}

export!(OtherShape);
