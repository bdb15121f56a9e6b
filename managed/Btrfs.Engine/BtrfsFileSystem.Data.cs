using System.Buffers;
using Btrfs.Inode;
using Btrfs.Inode.Changes;

namespace Btrfs.Engine;

/// <summary>The members that change what files hold.</summary>
public sealed partial class BtrfsFileSystem
{
    private const int CopyBytes = 1 << 20;

    /// <summary>Writes bytes into a file, which grows as needed.</summary>
    public void WriteFile(FsPath path, ulong offset, ReadOnlySpan<byte> data, WriteOptions? options = null)
    {
        lock (_changes)
        {
            Location at = Find(path);
            Delalloc.Write(at.Subvolume.Id, at.Inode, offset, data, options);
        }
    }

    /// <summary>Writes all that a stream holds to the begin of a file, in bulk: large extents, several in flight.</summary>
    /// <param name="path">A regular file.</param>
    /// <param name="content">Read to its end.</param>
    /// <param name="options">How it is stored.</param>
    /// <param name="cancellation">Ends the copy between two pieces; what was written by then stays.</param>
    public void WriteFile(FsPath path, System.IO.Stream content, WriteOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        options ??= WriteOptions.Default;
        if (options.ExpectedBytes == 0 && content.CanSeek)
            options = options with { ExpectedBytes = (ulong)Math.Max(content.Length - content.Position, 0) };
        byte[] buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            lock (_changes)
            {
                Location at = Find(path);
                Delalloc.FlushInode(at.Subvolume.Id, at.Inode);
                using ExtentWriter writer = new(WriterOf(at), at.Inode, 0, options);
                for (int read; (read = content.Read(buffer)) > 0;)
                {
                    cancellation.ThrowIfCancellationRequested();
                    writer.Write(buffer.AsSpan(0, read));
                }

                writer.Complete();
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Cuts a file, or makes it longer with zeros.</summary>
    public void SetLength(FsPath path, ulong size)
    {
        lock (_changes)
        {
            Location at = Find(path);
            Delalloc.FlushInode(at.Subvolume.Id, at.Inode);
            WriterOf(at).Truncate(at.Inode, size);
        }
    }

    /// <summary>Allocates space for a range of a file, or makes a hole of it.</summary>
    public void Allocate(FsPath path, ulong offset, ulong length, AllocateMode mode)
    {
        lock (_changes)
        {
            Location at = Find(path);
            Delalloc.FlushInode(at.Subvolume.Id, at.Inode);
            WriterOf(at).Allocate(at.Inode, offset, length, mode);
        }
    }

    /// <summary>Makes a range of a file share the extents of another.</summary>
    /// <param name="source">A regular file.</param>
    /// <param name="sourceOffset">A multiple of the sector size.</param>
    /// <param name="length">Bytes: whole sectors, or up to the end of the source; 0 for all of it.</param>
    /// <param name="target">The file that changes; it may be the same.</param>
    /// <param name="targetOffset">A multiple of the sector size.</param>
    public void CloneRange(FsPath source, ulong sourceOffset, ulong length, FsPath target, ulong targetOffset)
    {
        lock (_changes)
        {
            Location from = Find(source);
            Location to = Find(target);
            Delalloc.FlushInode(from.Subvolume.Id, from.Inode);
            Delalloc.FlushInode(to.Subvolume.Id, to.Inode);
            WriterOf(from).Clone(from.Inode, sourceOffset, length, WriterOf(to), to.Inode, targetOffset);
        }
    }

    /// <summary>As <see cref="CloneRange"/>, if both ranges hold the same bytes.</summary>
    /// <returns>How many bytes are shared now; null if the ranges differ.</returns>
    public ulong? DedupeRange(FsPath source, ulong sourceOffset, ulong length, FsPath target, ulong targetOffset)
    {
        lock (_changes)
        {
            Location from = Find(source);
            Location to = Find(target);
            Delalloc.FlushInode(from.Subvolume.Id, from.Inode);
            Delalloc.FlushInode(to.Subvolume.Id, to.Inode);
            return WriterOf(from).Dedupe(from.Inode, sourceOffset, length, WriterOf(to), to.Inode, targetOffset);
        }
    }
}
