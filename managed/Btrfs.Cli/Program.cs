return Btrfs.Cli.CommandLine.Run(args);
