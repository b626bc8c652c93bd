module step.local/motd

go 1.24
