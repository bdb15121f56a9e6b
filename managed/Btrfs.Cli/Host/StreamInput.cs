using Btrfs.Stream;

namespace Btrfs.Cli.Host;

/// <summary>Opens what a command reads a send stream from.</summary>
internal static class StreamInput
{
    /// <summary>What is written for standard input.</summary>
    public const string Standard = "-";

    /// <param name="path">A file, read ahead; null or - for standard input.</param>
    /// <param name="readsExactly">Nothing is read ahead, since somebody else reads on behind the stream.</param>
    /// <exception cref="IOException">It can't be opened.</exception>
    public static System.IO.Stream Open(string? path, bool readsExactly = false)
    {
        if (path is null or Standard)
            return Console.OpenStandardInput();
        if (Directory.Exists(path))
            throw new IOException($"cannot open '{path}': is a directory");
        try
        {
            return readsExactly ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0) : ReadAheadStream.Open(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            throw new IOException($"cannot open '{path}': {(error is UnauthorizedAccessException ? "permission denied" : "no such file or directory")}", error);
        }
    }

    /// <summary>How many bytes there will be; null where that is not known.</summary>
    public static long? LengthOf(string? path) => path is null or Standard || !HostCalls.IsRegularFile(path) ? null : new FileInfo(path).Length;
}
