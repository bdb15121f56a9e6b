using System.Collections.Concurrent;
using Btrfs.Format;
using Btrfs.Inode.Subvolumes;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>
/// The writers of the subvolumes of a file system: one for each, since it remembers which numbers it gave out. Any thread may call.
/// </summary>
/// <param name="writer">The file system.</param>
/// <param name="time">When all changes take place; null for the host's clock.</param>
public sealed class SubvolumeWriters(FsWriter writer, DateTimeOffset? time = null)
{
    private readonly ConcurrentDictionary<ulong, SubvolumeWriter> _writers = new();

    public FsWriter Writer { get; } = writer;

    /// <summary>The writer of a subvolume; whether there is such a one shows when it is used.</summary>
    /// <exception cref="InvalidRequestException">The number is none of a subvolume.</exception>
    public SubvolumeWriter Get(ulong rootId) => ObjectIds.IsFileTree(rootId)
        ? _writers.GetOrAdd(rootId, id => new SubvolumeWriter(this, id))
        : throw new InvalidRequestException($"tree {rootId} is not a subvolume");

    /// <summary>Which subvolumes are being sent.</summary>
    public SendsInProgress Sends { get; } = new();

    /// <summary>How data is stored where neither its writer nor the inode says: the <c>compress</c> of a mount.</summary>
    public WriteOptions Writing { get; init; } = WriteOptions.Default;

    /// <summary>Null while nobody keeps anything in memory.</summary>
    internal IBufferedInodes? Buffered { get; set; }

    internal DiskTime Now => TimeSource.Of(time ?? DateTimeOffset.UtcNow);

    /// <summary>The number of the next subvolume; 0 before the first. Those of subvolumes that are gone don't come back while the file system is open: guarded by the writer's lock.</summary>
    internal ulong NextId { get; set; }

    /// <summary>Forgets a subvolume that is gone.</summary>
    internal void Forget(ulong rootId) => _writers.TryRemove(rootId, out _);
}
