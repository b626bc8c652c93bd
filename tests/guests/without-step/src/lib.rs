//! A component that exports something, but no step.

wit_bindgen::generate!({
    inline: "
        package guests:without-step;

        world without-step {
            export greet: func() -> string;
        }
    ",
    world: "guests:without-step/without-step",
});

struct WithoutStep;

impl Guest for WithoutStep {
    fn greet() -> String {
        "hello".into()
    }
}

export!(WithoutStep);
