namespace Btrfs.Space.Log;

/// <summary>What was copied into the logs of a transaction up to a moment.</summary>
/// <param name="Generation">The transaction. Its commit makes it durable in any case.</param>
/// <param name="Copied">How many copies there were by then.</param>
public readonly record struct LogTicket(ulong Generation, long Copied);
