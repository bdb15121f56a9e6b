using Microsoft.Extensions.Logging;

namespace Btrfs.Engine.Diagnostics;

/// <summary>All that the engine logs.</summary>
internal static partial class EngineLog
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "{Notice}")]
    public static partial void Notice(this ILogger logger, string notice);

    [LoggerMessage(EventId = 2, Level = LogLevel.Debug, Message = "transaction {Generation} is durable after {Milliseconds:f1} ms")]
    public static partial void CommitMade(this ILogger logger, ulong generation, double milliseconds);

    [LoggerMessage(EventId = 3, Level = LogLevel.Error, Message = "the file system takes no more changes")]
    public static partial void Failed(this ILogger logger, Exception cause);

    [LoggerMessage(EventId = 4, Level = LogLevel.Debug, Message = "subvolumes {Roots} are flushed after {Milliseconds:f1} ms, and are sent as of commit {Generation}")]
    public static partial void Flushed(this ILogger logger, SendRoots roots, double milliseconds, ulong generation);

    [LoggerMessage(EventId = 5, Level = LogLevel.Information, Message = "sent {Streams} subvolume(s), {Bytes} bytes in {Milliseconds:f0} ms")]
    public static partial void Sent(this ILogger logger, int streams, long bytes, double milliseconds);

    [LoggerMessage(EventId = 6, Level = LogLevel.Warning, Message = "a send of {Streams} subvolume(s) failed")]
    public static partial void SendFailed(this ILogger logger, int streams, Exception cause);

    [LoggerMessage(EventId = 7, Level = LogLevel.Warning, Message = "a write failed, and other copies make it good: {Fault}")]
    public static partial void WriteFaulted(this ILogger logger, string fault);
}
