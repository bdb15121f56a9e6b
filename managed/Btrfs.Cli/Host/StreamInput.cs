using Btrfs.Stream;

namespace Btrfs.Cli.Host;

/// <summary>Opens what a command reads a send stream from.</summary>
internal static class StreamInput
{
    /// <summary>What is written for standard input.</summary>
    public const string Standard = "-";

    /// <param name="path">A file; null or - for standard input.</param>
    /// <param name="readsAhead">Whether other threads read a file ahead: of use where nothing else keeps the processors busy. Never where somebody reads on behind the stream.</param>
    /// <exception cref="IOException">It can't be opened.</exception>
    public static System.IO.Stream Open(string? path, bool readsAhead = true)
    {
        if (path is null or Standard)
            return Console.OpenStandardInput();
        if (Directory.Exists(path))
            throw new IOException($"cannot open '{path}': is a directory");
        try
        {
            return readsAhead ? ReadAheadStream.Open(path) : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            throw new IOException($"cannot open '{path}': {(error is UnauthorizedAccessException ? "permission denied" : "no such file or directory")}", error);
        }
    }

    /// <summary>How many bytes there will be; null where that is not known.</summary>
    public static long? LengthOf(string? path) => path is null or Standard || !HostCalls.IsRegularFile(path) ? null : new FileInfo(path).Length;
}
