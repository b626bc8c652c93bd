echo first "$@"
