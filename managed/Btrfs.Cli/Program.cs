Console.Error.WriteLine("btrfs-engine: no command is built yet");
return 1;
