namespace Btrfs.Cli;

/// <summary>Arguments that don't make sense together, found behind the parser.</summary>
internal sealed class UsageException(string message) : Exception(message);
