# Shorter spellings for those who have `just`; every word is one of `cargo xtask`.

[private]
default:
    @cargo xtask help

check *words:
    @cargo xtask check {{ words }}

test *words:
    @cargo xtask test {{ words }}

demo *words:
    @cargo xtask demo {{ words }}

e2e *words:
    @cargo xtask e2e {{ words }}

fuzz *words:
    @cargo xtask fuzz {{ words }}

bench *words:
    @cargo xtask bench {{ words }}
