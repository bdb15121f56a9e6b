using Btrfs.Engine.Comparing;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Stream;
using Btrfs.Stream.Replay;

namespace Btrfs.Engine;

// Subvolumes held against streams.
public sealed partial class BtrfsFileSystem
{
    /// <summary>
    /// Whether a subvolume equals what a chain of streams makes, as of the last commit: names, attributes and content. Besides the chain it takes 8 bytes of memory for each inode.
    /// </summary>
    /// <param name="subvolume">The subvolume: the sent or the received one.</param>
    /// <param name="chain">The chain.</param>
    /// <param name="expected">Which of its subvolumes; null for the last.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="InvalidRequestException">There is no subvolume at the path.</exception>
    /// <exception cref="StreamFormatException">Data of a stream can't be decoded, or was left out.</exception>
    /// <exception cref="BtrfsException">The file system is broken where it had to be read.</exception>
    /// <exception cref="IOException">A device or a stream could not be read.</exception>
    /// <exception cref="OperationCanceledException">It was asked for.</exception>
    public StreamComparisonReport CompareWithStreams(
        FsPath subvolume, StreamChain chain, ReplayedSubvolume? expected = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(chain);
        return new StreamComparison(chain, expected ?? chain.Last, Info, new PathLookup(Info).FindSubvolume(subvolume).Root, cancellation).Run();
    }
}
