using Btrfs.Stream;

namespace Btrfs.Cli.Host;

/// <summary>Opens what a command reads a send stream from.</summary>
internal static class StreamInput
{
    /// <summary>What is written for standard input.</summary>
    public const string Standard = "-";

    /// <param name="path">A file, read ahead; null or - for standard input.</param>
    /// <exception cref="IOException">It can't be opened.</exception>
    public static System.IO.Stream Open(string? path) => path is null or Standard ? Console.OpenStandardInput() : ReadAheadStream.Open(path);
}
