using Btrfs.Delalloc.Files;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Data;

namespace Btrfs.Delalloc;

/// <summary>Reading what is in memory, and the rest from the trees.</summary>
public sealed partial class DelallocFs
{
    /// <summary>Reads bytes of a file as it is now.</summary>
    /// <returns>How many; fewer than asked for only at the end of the file.</returns>
    /// <exception cref="FileOperationException">There is no such file.</exception>
    /// <exception cref="ChecksumException">No copy of a sector has its checksum.</exception>
    public int Read(ulong rootId, ulong inode, ulong offset, Span<byte> destination)
    {
        BufferedInode node = _table.Enter(rootId, inode);
        try
        {
            return Read(node, offset, destination);
        }
        finally
        {
            _table.Leave(node);
        }
    }

    internal int Read(BufferedInode node, ulong offset, Span<byte> destination)
    {
        ulong size;
        lock (node.State)
            size = node.Size;
        if (offset >= size)
            return 0;

        int length = (int)Math.Min((ulong)destination.Length, size - offset);
        for (int done = 0; done < length;)
        {
            int piece = Math.Min(length - done, PieceBytes - (int)((offset + (ulong)done) % (ulong)_sectorSize));
            ReadPiece(node, offset + (ulong)done, destination.Slice(done, piece), size);
            done += piece;
        }

        return length;
    }

    /// <summary>Copies what is in memory, and reads the rest from where the tree says it is.</summary>
    private void ReadPiece(BufferedInode node, ulong offset, Span<byte> destination, ulong size)
    {
        ulong sectorSize = (ulong)_sectorSize;
        ulong first = offset / sectorSize;
        int missingFrom = -1;
        int at = 0;
        List<(int From, int To)>? missing = null;
        lock (node.State)
        {
            for (ulong sector = first; at < destination.Length; sector++)
            {
                int within = (int)((offset + (ulong)at) % sectorSize);
                int length = Math.Min(_sectorSize - within, destination.Length - at);
                if (node.HasData && node.TryGetPage(sector, out int page))
                {
                    _pool[page].Slice(within, length).CopyTo(destination[at..]);
                    if (missingFrom >= 0)
                        (missing ??= []).Add((missingFrom, at));
                    missingFrom = -1;
                }
                else if (missingFrom < 0)
                {
                    missingFrom = at;
                }

                at += length;
            }
        }

        if (missingFrom >= 0)
            (missing ??= []).Add((missingFrom, at));
        foreach ((int from, int to) in missing ?? [])
            ReadFromTree(node, offset + (ulong)from, destination[from..to], size);
    }

    // What a reader finds in the tree holds while nobody changes it; so the bytes are read before the lock is given back.
    private void ReadFromTree(BufferedInode node, ulong offset, Span<byte> destination, ulong size)
    {
        using (_writer.HoldRunning())
        {
            Subvolume subvolume = _table.OpenRunning(node.RootId);
            if (!subvolume.TryGetInode(node.Inode, out InodeItem item))
                throw FileOperationException.OfInode(FileError.NotFound, node.RootId, node.Inode, "there is no such inode");

            // Data may be in the tree behind the size there, which waits for what comes before.
            using InodeStream content = new(subvolume, node.Inode, size, (InodeFlags)item.Flags.Value);
            content.Position = (long)offset;
            content.ReadExactly(destination);
        }
    }

    private byte[] ReadSector(BufferedInode node, ulong sector)
    {
        byte[] bytes = new byte[_sectorSize];
        Read(node, sector * (ulong)_sectorSize, bytes);
        return bytes;
    }
}
