;; WASI preview 1 for modules that become steps: the functions that Go and C programs import, on top of the WASI 0.2
;; interfaces that every step may use. There are no files: standard output and standard error can be written, and that is
;; all. So a step in Go imports nothing that could lead to a file of the host, and needs no grant for its run time.
;;
;; The memory is the program's. A call of WASI 0.2 that returns more than one number writes it to the 16 bytes at $scratch;
;; what the program had there is put back before anything of it runs again.
;;
;; Error numbers: 8 bad file descriptor, 28 invalid argument, 29 input or output failed, 58 not supported.
(module
  (import "env" "memory" (memory 0))
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $monotonic (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $after (param i64) (result i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $drop-pollable (param i32)))
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:cli/stderr@0.2.0" "get-stderr" (func $stderr (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop-stream (param i32)))
  (import "wasi:io/error@0.2.0" "[resource-drop]error" (func $drop-error (param i32)))
  (import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))

  ;; Nanoseconds since 1970.
  (func $wall-nanoseconds (result i64)
    (local $a i64) (local $b i64) (local $time i64)
    (local.set $a (i64.load (i32.const 16)))
    (local.set $b (i64.load (i32.const 24)))
    (call $wall (i32.const 16))
    (local.set $time
      (i64.add
        (i64.mul (i64.load (i32.const 16)) (i64.const 1000000000))
        (i64.load32_u (i32.const 24))))
    (i64.store (i32.const 16) (local.get $a))
    (i64.store (i32.const 24) (local.get $b))
    (local.get $time))

  ;; The clocks: 0 shows the time of the day, all others run.
  (func $time (param $clock i32) (result i64)
    (if (result i64) (local.get $clock)
      (then (call $monotonic))
      (else (call $wall-nanoseconds))))

  ;; Writes all bytes, at most 4096 at a time as WASI 0.2 demands.
  (func $write-all (param $stream i32) (param $at i32) (param $len i32) (result i32)
    (local $a i64) (local $b i64) (local $part i32) (local $failed i32) (local $kind i32) (local $error i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $len)))
        (local.set $part
          (select (local.get $len) (i32.const 4096) (i32.lt_u (local.get $len) (i32.const 4096))))
        (local.set $a (i64.load (i32.const 16)))
        (local.set $b (i64.load (i32.const 24)))
        (call $write (local.get $stream) (local.get $at) (local.get $part) (i32.const 16))
        (local.set $failed (i32.load8_u (i32.const 16)))
        (local.set $kind (i32.load8_u (i32.const 20)))
        (local.set $error (i32.load (i32.const 24)))
        (i64.store (i32.const 16) (local.get $a))
        (i64.store (i32.const 24) (local.get $b))
        (if (local.get $failed)
          (then
            (if (i32.eqz (local.get $kind)) (then (call $drop-error (local.get $error))))
            (return (i32.const 29))))
        (local.set $at (i32.add (local.get $at) (local.get $part)))
        (local.set $len (i32.sub (local.get $len) (local.get $part)))
        (br $next)))
    (i32.const 0))

  (func (export "fd_write") (param $fd i32) (param $parts i32) (param $count i32) (param $written i32) (result i32)
    (local $stream i32) (local $failed i32) (local $total i32)
    (if (i32.eq (local.get $fd) (i32.const 1))
      (then (local.set $stream (call $stdout)))
      (else
        (if (i32.ne (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
        (local.set $stream (call $stderr))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $failed
          (call $write-all
            (local.get $stream)
            (i32.load (local.get $parts))
            (i32.load offset=4 (local.get $parts))))
        (br_if $done (local.get $failed))
        (local.set $total (i32.add (local.get $total) (i32.load offset=4 (local.get $parts))))
        (local.set $parts (i32.add (local.get $parts) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (call $drop-stream (local.get $stream))
    (i32.store (local.get $written) (local.get $total))
    (local.get $failed))

  ;; Standard input is at its end.
  (func (export "fd_read") (param $fd i32) (param i32 i32) (param $read i32) (result i32)
    (if (local.get $fd) (then (return (i32.const 8))))
    (i32.store (local.get $read) (i32.const 0))
    (i32.const 0))

  ;; The three standard files look like a terminal: a kind that has no place and no size.
  (func (export "fd_fdstat_get") (param $fd i32) (param $stat i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
    (i64.store (local.get $stat) (i64.const 2))
    (i64.store offset=8 (local.get $stat) (i64.const -1))
    (i64.store offset=16 (local.get $stat) (i64.const -1))
    (i32.const 0))

  (func (export "fd_filestat_get") (param $fd i32) (param $stat i32) (result i32)
    (local $end i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
    (local.set $end (i32.add (local.get $stat) (i32.const 64)))
    (loop $next
      (local.set $end (i32.sub (local.get $end) (i32.const 8)))
      (i64.store (local.get $end) (i64.const 0))
      (br_if $next (i32.gt_u (local.get $end) (local.get $stat))))
    (i32.store8 offset=16 (local.get $stat) (i32.const 2))
    (i32.const 0))

  (func (export "fd_close") (param $fd i32) (result i32)
    (select (i32.const 8) (i32.const 0) (i32.gt_u (local.get $fd) (i32.const 2))))

  (func (export "fd_fdstat_set_flags") (param $fd i32) (param i32) (result i32)
    (select (i32.const 8) (i32.const 0) (i32.gt_u (local.get $fd) (i32.const 2))))

  ;; No arguments, no environment.
  (func $none (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $size) (i32.const 0))
    (i32.const 0))
  (export "args_sizes_get" (func $none))
  (export "environ_sizes_get" (func $none))
  (func $nothing (param i32 i32) (result i32) (i32.const 0))
  (export "args_get" (func $nothing))
  (export "environ_get" (func $nothing))

  (func (export "clock_res_get") (param i32) (param $resolution i32) (result i32)
    (i64.store (local.get $resolution) (i64.const 1))
    (i32.const 0))

  (func (export "clock_time_get") (param $clock i32) (param i64) (param $now i32) (result i32)
    (i64.store (local.get $now) (call $time (local.get $clock)))
    (i32.const 0))

  (func (export "random_get") (param $at i32) (param $len i32) (result i32)
    (local $bits i64)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $len)))
        (local.set $bits (call $random))
        (if (i32.ge_u (local.get $len) (i32.const 8))
          (then
            (i64.store (local.get $at) (local.get $bits))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (local.set $len (i32.sub (local.get $len) (i32.const 8)))
            (br $next)))
        (loop $byte
          (i64.store8 (local.get $at) (local.get $bits))
          (local.set $bits (i64.shr_u (local.get $bits) (i64.const 8)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (local.set $len (i32.sub (local.get $len) (i32.const 1)))
          (br_if $byte (local.get $len)))))
    (i32.const 0))

  ;; How long a subscription (48 bytes) still has to wait, in nanoseconds. A standard file is always ready.
  (func $wait (param $subscription i32) (result i64)
    (local $time i64) (local $now i64)
    (if (i32.load8_u offset=8 (local.get $subscription)) (then (return (i64.const 0))))
    (local.set $time (i64.load offset=24 (local.get $subscription)))
    (if (i32.eqz (i32.and (i32.load16_u offset=40 (local.get $subscription)) (i32.const 1)))
      (then (return (local.get $time))))
    (local.set $now (call $time (i32.load offset=16 (local.get $subscription))))
    (if (i64.le_u (local.get $time) (local.get $now)) (then (return (i64.const 0))))
    (i64.sub (local.get $time) (local.get $now)))

  ;; Waits for what comes first, and tells of that alone.
  (func (export "poll_oneoff") (param $in i32) (param $out i32) (param $count i32) (param $events i32) (result i32)
    (local $first i32) (local $shortest i64) (local $wait i64) (local $pollable i32)
    (if (i32.eqz (local.get $count)) (then (return (i32.const 28))))
    (local.set $shortest (i64.const -1))
    (local.set $first (local.get $in))
    (loop $next
      (local.set $wait (call $wait (local.get $in)))
      (if (i64.lt_u (local.get $wait) (local.get $shortest))
        (then
          (local.set $shortest (local.get $wait))
          (local.set $first (local.get $in))))
      (local.set $in (i32.add (local.get $in) (i32.const 48)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count)))
    (if (i64.ne (local.get $shortest) (i64.const 0))
      (then
        (local.set $pollable (call $after (local.get $shortest)))
        (call $block (local.get $pollable))
        (call $drop-pollable (local.get $pollable))))
    (i64.store (local.get $out) (i64.load (local.get $first)))
    (i64.store offset=8 (local.get $out) (i64.const 0))
    (i64.store offset=16 (local.get $out) (i64.const 0))
    (i64.store offset=24 (local.get $out) (i64.const 0))
    (i32.store8 offset=10 (local.get $out) (i32.load8_u offset=8 (local.get $first)))
    (i32.store (local.get $events) (i32.const 1))
    (i32.const 0))

  (func (export "sched_yield") (result i32) (i32.const 0))

  (func $end (param $code i32)
    (call $exit (i32.ne (local.get $code) (i32.const 0)))
    unreachable)
  (export "proc_exit" (func $end))

  (func (export "proc_raise") (param i32) (result i32)
    (call $end (i32.const 1))
    unreachable)

  ;; There is no directory to begin with, and so no other file.
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_advise") (param i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_allocate") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_datasync") (param i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_times") (param i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_pread") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_pwrite") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_readdir") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_renumber") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_sync") (param i32) (result i32) (i32.const 8))
  (func (export "fd_tell") (param i32 i32) (result i32) (i32.const 8))
  (func (export "path_create_directory") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) (i32.const 8))

  ;; There is no network.
  (func (export "sock_accept") (param i32 i32 i32) (result i32) (i32.const 58))
  (func (export "sock_recv") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 58))
  (func (export "sock_send") (param i32 i32 i32 i32 i32) (result i32) (i32.const 58))
  (func (export "sock_shutdown") (param i32 i32) (result i32) (i32.const 58))
)
