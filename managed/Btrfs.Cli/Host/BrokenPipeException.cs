namespace Btrfs.Cli.Host;

/// <summary>Nobody reads standard output any more.</summary>
internal sealed class BrokenPipeException() : IOException("standard output is closed");
