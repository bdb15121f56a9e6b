using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Space.Transactions;

/// <summary>What a change may use when space is short.</summary>
public enum ReservePolicy
{
    /// <summary>It fails with <see cref="NoSpaceException"/> before it touches the global reserve.</summary>
    Normal,

    /// <summary>It frees more than it takes (unlink, truncate, dropping a snapshot), so it may use the global reserve.</summary>
    Freeing,
}

/// <summary>
/// A file system opened for writing: one running transaction that writers join one after the other, and commits that make it durable. The last committed
/// state stays readable beside it without locks.
/// </summary>
public sealed class FsWriter : IDisposable
{
    private FsWriter(FsInfo committed) => Committed = committed;

    /// <summary>The last durable state.</summary>
    public FsInfo Committed { get; }

    /// <summary>Opens for writing. Takes over <paramref name="devices"/>, which are writable, also when it throws.</summary>
    public static FsWriter Open(DeviceSet devices, FsOpenOptions? options = null) => throw new InvariantException("pending");

    /// <summary>Joins the running transaction, or begins the next one. Waits for the writer before.</summary>
    /// <param name="items">How many items the change will insert or change at most, as an estimate of the metadata that it takes.</param>
    /// <param name="policy">What it may use when space is short.</param>
    /// <exception cref="NoSpaceException">There is not enough room for metadata.</exception>
    /// <exception cref="ReadOnlyFileSystemException">An earlier failure has latched the file system.</exception>
    public Transaction Begin(int items, ReservePolicy policy = ReservePolicy.Normal) => throw new InvariantException("pending");

    /// <summary>Makes everything so far durable. Nothing happens where nothing was changed.</summary>
    public void Commit() => throw new InvariantException("pending");

    /// <summary>A data write to space that <see cref="Transaction.AllocateData"/> gave; needs no transaction. Durable after the next commit.</summary>
    public void WriteData(LogicalAddress start, ReadOnlySpan<byte> data) => throw new InvariantException("pending");

    public void Dispose() => Committed.Dispose();
}
