using Btrfs.Delalloc.Files;
using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Delalloc;

/// <summary>Files as they are opened and closed, and what is asked of them.</summary>
public sealed partial class DelallocFs
{
    /// <summary>What one step of a write or read has in hand, at most.</summary>
    private const int MaxPieceBytes = 1 << 20;

    private int PieceBytes => Math.Min(MaxPieceBytes, Math.Max(_pool.Capacity / 8, 1) * _sectorSize);

    /// <summary>Opens a file. It stays until the stream is disposed of, even if its last name goes.</summary>
    /// <param name="rootId">The subvolume.</param>
    /// <param name="inode">A regular file.</param>
    /// <param name="access">What the stream may do.</param>
    /// <param name="options">How what it writes is stored.</param>
    /// <exception cref="FileOperationException">There is no such file, or it may not be opened so.</exception>
    public BufferedFileStream Open(ulong rootId, ulong inode, FileAccess access, WriteOptions? options = null)
    {
        BufferedInode node = _table.Enter(rootId, inode, asHandle: true);
        try
        {
            if ((access & FileAccess.Write) != 0)
                RequireWritable(node);
            return new BufferedFileStream(this, node, access, options);
        }
        catch
        {
            Close(node);
            throw;
        }
    }

    /// <summary>The size and times of a file that are newer in memory than in its tree; null if none are.</summary>
    public (ulong Size, DiskTime? Time)? TryGetNewer(ulong rootId, ulong inode)
    {
        if (_table.TryFind(rootId, inode) is not { } node)
            return null;
        lock (node.State)
            return (node.Size, node.Time);
    }

    internal void Close(BufferedInode node)
    {
        if (!_table.Leave(node, asHandle: true))
            return;

        // The last handle of a file without a name.
        Drop(node, 0);
        if (_writer.Failure is null)
            _subvolumes.Get(node.RootId).RemoveOrphan(node.Inode);
    }

    private ulong AlignDown(ulong value) => value - (value % (ulong)_sectorSize);

    private FileFacts RequireWritable(BufferedInode node)
    {
        _writer.RequireUsable();
        int version = _subvolumes.Get(node.RootId).AttributesVersion;
        if (node.Facts is not { } facts || facts.Version != version)
        {
            using (_writer.HoldRunning())
            {
                if (!_table.OpenRunning(node.RootId).TryGetInode(node.Inode, out InodeItem item))
                    throw FileOperationException.OfInode(FileError.NotFound, node.RootId, node.Inode, "there is no such inode");
                facts = new FileFacts(_writer.State.Roots.Get(node.RootId), item.Mode, (InodeFlags)item.Flags.Value, version);
            }

            node.Facts = facts;
        }

        facts.RequireWritable(node.Inode);
        return facts;
    }
}
