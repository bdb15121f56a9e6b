using System.Buffers;
using Btrfs.Delalloc;
using Btrfs.Inode;
using Btrfs.Inode.Changes;

namespace Btrfs.Engine;

/// <summary>The members that change what files hold. Many may be at work at once: only those on one and the same file wait for each other.</summary>
public sealed partial class BtrfsFileSystem
{
    private const int CopyBytes = 1 << 20;

    /// <summary>Opens a file's content to be read and written, as a stream; see <see cref="BufferedFileStream"/> for what is durable when.</summary>
    /// <param name="path">A regular file.</param>
    /// <param name="access">What the stream may do.</param>
    /// <param name="options">How what it writes is stored.</param>
    /// <exception cref="FileOperationException">There is nothing at the path, no regular file, or it may not be written.</exception>
    public BufferedFileStream OpenFile(FsPath path, FileAccess access, WriteOptions? options = null)
    {
        // Found and opened in one: so it can't be deleted between the two.
        using (Writer.HoldRunning())
        {
            Location at = Find(path);
            if (!at.Subvolume.GetStatus(at.Inode).IsRegular)
                throw new FileOperationException(FileError.Invalid, $"'{path}' is not a regular file");
            return Delalloc.Open(at.Subvolume.Id, at.Inode, access, options);
        }
    }

    /// <summary>Writes bytes into a file, in memory: room for them is reserved, and they reach the disk in the background, or with <see cref="Fsync"/> or <see cref="Commit"/>. The file grows as needed.</summary>
    public void WriteFile(FsPath path, ulong offset, ReadOnlySpan<byte> data, WriteOptions? options = null)
    {
        (ulong root, ulong inode) = FindFile(path);
        Delalloc.Write(root, inode, offset, data, options);
    }

    /// <summary>Reads bytes of a file as it is now.</summary>
    /// <returns>How many; fewer than asked for only at the end of the file.</returns>
    /// <exception cref="Format.InvalidRequestException">There is nothing at the path, or no regular file.</exception>
    /// <exception cref="Format.ChecksumException">No copy of a sector has its checksum.</exception>
    public int ReadFile(FsPath path, ulong offset, Span<byte> destination)
    {
        using System.IO.Stream stream = OpenFile(path);
        stream.Position = (long)Math.Min(offset, long.MaxValue);
        return stream.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false);
    }

    /// <summary>
    /// Makes one file or directory durable as it is now, by a log where that will do, else by a commit of everything: <see cref="SubvolumeWriter.Sync"/>.
    /// </summary>
    /// <exception cref="IOException">Data of it could not be written, now or earlier: it is lost, and this is told once.</exception>
    public SyncOutcome Fsync(FsPath path)
    {
        (ulong root, ulong inode) = FindFile(path);
        return Delalloc.Fsync(root, inode);
    }

    /// <summary>Writes all that a stream holds to the begin of a file, in bulk: large extents, several in flight, past the memory for dirty data.</summary>
    /// <param name="path">A regular file.</param>
    /// <param name="content">Read to its end.</param>
    /// <param name="options">How it is stored.</param>
    /// <param name="cancellation">Ends the copy between two pieces; what was written by then stays.</param>
    public void WriteFile(FsPath path, System.IO.Stream content, WriteOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        options ??= Subvolumes.Writing;
        if (options.ExpectedBytes == 0 && content.CanSeek)
            options = options with { ExpectedBytes = (ulong)Math.Max(content.Length - content.Position, 0) };
        (ulong root, ulong inode) = FindFile(path);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            Delalloc.Around(root, inode, () =>
            {
                using ExtentWriter writer = new(Subvolumes.Get(root), inode, 0, options);
                for (int read; (read = content.Read(buffer)) > 0;)
                {
                    cancellation.ThrowIfCancellationRequested();
                    writer.Write(buffer.AsSpan(0, read));
                }

                writer.Complete();
            });
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Cuts a file, or makes it longer with zeros.</summary>
    public void SetLength(FsPath path, ulong size)
    {
        (ulong root, ulong inode) = FindFile(path);
        Delalloc.Truncate(root, inode, size);
    }

    /// <summary>Allocates space for a range of a file, or makes a hole of it.</summary>
    public void Allocate(FsPath path, ulong offset, ulong length, AllocateMode mode)
    {
        (ulong root, ulong inode) = FindFile(path);
        Delalloc.Allocate(root, inode, offset, length, mode);
    }

    /// <summary>Makes a range of a file share the extents of another.</summary>
    /// <param name="source">A regular file.</param>
    /// <param name="sourceOffset">A multiple of the sector size.</param>
    /// <param name="length">Bytes: whole sectors, or up to the end of the source; 0 for all of it.</param>
    /// <param name="target">The file that changes; it may be the same.</param>
    /// <param name="targetOffset">A multiple of the sector size.</param>
    public void CloneRange(FsPath source, ulong sourceOffset, ulong length, FsPath target, ulong targetOffset) =>
        Delalloc.Clone(FindFile(source), sourceOffset, length, FindFile(target), targetOffset);

    /// <summary>As <see cref="CloneRange"/>, if both ranges hold the same bytes.</summary>
    /// <returns>How many bytes are shared now; null if the ranges differ.</returns>
    public ulong? DedupeRange(FsPath source, ulong sourceOffset, ulong length, FsPath target, ulong targetOffset) =>
        Delalloc.Dedupe(FindFile(source), sourceOffset, length, FindFile(target), targetOffset);

    private (ulong Root, ulong Inode) FindFile(FsPath path)
    {
        using (Writer.HoldRunning())
        {
            Location at = Find(path);
            return (at.Subvolume.Id, at.Inode);
        }
    }
}
