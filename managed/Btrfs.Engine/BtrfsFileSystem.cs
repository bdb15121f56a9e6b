using Btrfs.Ctree;
using Btrfs.Engine.Diagnostics;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Data;
using Btrfs.Inode.Names;
using Btrfs.Inode.Replay;
using Btrfs.Space.Transactions;
using Btrfs.Storage;
using Btrfs.Stream;

namespace Btrfs.Engine;

/// <summary>
/// A btrfs without mounting it: images, block devices, or both. Opened for reading it shows the last commit, and any number of threads may use it at once;
/// what it hands out (streams, enumerators) is for one thread each. Opened for writing it also changes: see the members that say so. Any number of threads may do
/// so; reading members then show all changes so far, and go on beside further ones.
/// </summary>
public sealed partial class BtrfsFileSystem : IDisposable
{
    private readonly FsInfo? _readOnly;

    // What a file system that was replayed in memory is laid over.
    private FsInfo? _below;
    private string? _logNotice;

    private BtrfsFileSystem(FsInfo info) => _readOnly = info;

    /// <summary>The trees themselves, for tools that look below files: as of the last commit.</summary>
    public FsInfo Info => _readOnly ?? Writer.Committed;

    /// <summary>What a person should know about this opening (missing devices, a mounted device, a log tree): lower-case sentences.</summary>
    public IReadOnlyList<string> Notices => _logNotice is null ? Info.Notices : [.. Info.Notices, _logNotice];

    /// <summary>Opens the devices of one file system, given in any order.</summary>
    /// <param name="devicePaths">Image files or block devices.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="IOException">A device can't be opened or read.</exception>
    /// <exception cref="UnauthorizedAccessException">A device may not be read.</exception>
    /// <exception cref="BtrfsException">It is no btrfs, is broken, uses something unknown, or the devices don't belong together.</exception>
    public static BtrfsFileSystem Open(IReadOnlyList<string> devicePaths, BtrfsOpenOptions? options = null)
    {
        options ??= new BtrfsOpenOptions();
        return Open(DeviceSet.Open(devicePaths, DeviceOptions(options)), options);
    }

    /// <summary>The same over devices of the caller's own making, which are disposed of with the file system, also when this throws.</summary>
    /// <inheritdoc cref="Open(IReadOnlyList{string}, BtrfsOpenOptions?)"/>
    public static BtrfsFileSystem Open(IReadOnlyList<IBlockDevice> devices, BtrfsOpenOptions? options = null)
    {
        options ??= new BtrfsOpenOptions();
        return Open(DeviceSet.Open(devices, DeviceOptions(options)), options);
    }

    /// <summary>As <see cref="Open(IReadOnlyList{string}, BtrfsOpenOptions?)"/>, on a thread of the pool.</summary>
    /// <inheritdoc cref="Open(IReadOnlyList{string}, BtrfsOpenOptions?)"/>
    public static Task<BtrfsFileSystem> OpenAsync(
        IReadOnlyList<string> devicePaths, BtrfsOpenOptions? options = null, CancellationToken cancellation = default) =>
        Task.Run(() => Open(devicePaths, options), cancellation);

    /// <summary>The subvolume that the kernel mounts when it isn't told which. Paths count from the top level (5) all the same.</summary>
    public ulong DefaultSubvolumeId
    {
        get
        {
            using (HoldView())
                return new SubvolumeTable(View).DefaultId;
        }
    }

    /// <summary>All subvolumes and snapshots by ascending id, the top level first, deleted ones that are not yet cleaned up included.</summary>
    public IEnumerable<SubvolumeInfo> EnumerateSubvolumes()
    {
        if (_readOnly is not null)
            return new SubvolumeTable(_readOnly).Enumerate();
        using (HoldView())
            return [.. new SubvolumeTable(View).Enumerate()];
    }

    /// <summary>What is known of a file or directory. Symbolic links are not followed, here and in all calls.</summary>
    /// <exception cref="InvalidRequestException">There is nothing at the path.</exception>
    public FileStatus GetStatus(FsPath path)
    {
        using (HoldView())
        {
            Location at = new PathLookup(View).Find(path, out Location above);
            FileStatus status = at.GetStatus(above.Inode);

            // Of a file that is being written, memory knows better.
            return _delalloc?.TryGetNewer(at.Subvolume.Id, at.Inode) is var (size, time)
                ? status with { Size = size, MTime = time ?? status.MTime, CTime = time ?? status.CTime }
                : status;
        }
    }

    /// <summary>Opens a file's content: seekable, read-only, every sector verified as it is read. On a file system that is being changed, reads see every write so far.</summary>
    /// <exception cref="InvalidRequestException">There is nothing at the path, or no regular file.</exception>
    public System.IO.Stream OpenFile(FsPath path)
    {
        using (HoldView())
        {
            Location at = new PathLookup(View).Find(path, out Location above);
            if (!at.GetStatus(above.Inode).IsRegular)
                throw new InvalidRequestException($"'{path}' is not a regular file");
            return _delalloc is not null ? _delalloc.Open(at.Subvolume.Id, at.Inode, FileAccess.Read) : new InodeStream(at.Subvolume, at.Inode);
        }
    }

    /// <summary>The entries of a directory in the order in which they were made, read one by one.</summary>
    /// <exception cref="InvalidRequestException">There is nothing at the path, or no directory.</exception>
    public IEnumerable<DirectoryEntry> EnumerateDirectory(FsPath path)
    {
        using (HoldView())
        {
            Location at = new PathLookup(View).Find(path, out Location above);
            if (!at.GetStatus(above.Inode).IsDirectory)
                throw new InvalidRequestException($"'{path}' is not a directory");
            if (at.IsEmptySubvolumeDirectory)
                return [];
            return _readOnly is not null ? Entries(at) : ChangingEntries(at.Subvolume.Id, at.Inode);
        }
    }

    /// <summary>The extended attributes of a file or directory, ACLs and capabilities among them.</summary>
    /// <exception cref="InvalidRequestException">There is nothing at the path.</exception>
    public IEnumerable<Xattr> EnumerateXattrs(FsPath path)
    {
        using (HoldView())
        {
            Location at = new PathLookup(View).Find(path);
            if (at.IsEmptySubvolumeDirectory)
                return [];
            IEnumerable<Xattr> xattrs = at.Subvolume.EnumerateXattrs(at.Inode);
            return _readOnly is not null ? xattrs : [.. xattrs];
        }
    }

    /// <summary>
    /// Sends read-only subvolumes as streams, byte for byte as the kernel and btrfs-progs do. Where the file system is open for writing, all that was written to them
    /// before is in the stream, and nothing that others do beside it changes it; while it runs, its subvolumes, the parent and the clone sources can't be deleted, made writable or
    /// deduped into (<see cref="Inode.Changes.FileError.Busy"/>).
    /// </summary>
    /// <param name="request">What to send.</param>
    /// <param name="output">Where the streams go: written in large pieces, flushed, not closed.</param>
    /// <param name="progress">Called on the sending thread: before each subvolume, and now and then.</param>
    /// <param name="cancellation">Ends the send between two items; what was written by then is a cut stream.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="InvalidRequestException">A path leads nowhere, a subvolume is not read-only, the options don't go together, or the resume token is another subvolume's.</exception>
    /// <exception cref="StreamFormatException">The resume token's place is none in this stream: the request is not that of the stream that was cut.</exception>
    /// <exception cref="FileSystemChangedException">The kernel has the file system mounted and moved what was being read.</exception>
    /// <exception cref="BtrfsException">The file system is broken where it had to be read.</exception>
    /// <exception cref="IOException">A device or the output failed.</exception>
    /// <exception cref="OperationCanceledException">It was asked for.</exception>
    public long Send(
        SendRequest request, System.IO.Stream output, IProgress<SendRequestProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(output);
        return RunSend(request, output, progress, cancellation);
    }

    /// <summary>The exact number of bytes that <see cref="Send"/> would write, from metadata alone: no file data is read, so a bad sector is not noticed. It flushes and holds as a send does.</summary>
    /// <inheritdoc cref="Send"/>
    public long EstimateSend(SendRequest request, IProgress<SendRequestProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return RunSend(request, output: null, progress, cancellation);
    }

    /// <summary>As <see cref="Send"/>, on a thread of the pool.</summary>
    /// <inheritdoc cref="Send"/>
    public Task<long> SendAsync(
        SendRequest request, System.IO.Stream output, IProgress<SendRequestProgress>? progress = null, CancellationToken cancellation = default) =>
        Task.Run(() => Send(request, output, progress, cancellation), cancellation);

    /// <summary>
    /// Closes the devices. What was changed and not committed is committed first, unless a failure has latched the file system. A send that still runs ends with an
    /// <see cref="ObjectDisposedException"/>.
    /// </summary>
    /// <exception cref="IOException">The commit could not be written.</exception>
    /// <exception cref="BtrfsException">The commit failed.</exception>
    public void Dispose()
    {
        if (_writer is not null)
        {
            Close(_writer);
        }
        else
        {
            BtrfsMeter.Closed(this);
            _readOnly!.Dispose();
        }

        _below?.Dispose();
    }

    private static BtrfsFileSystem Open(DeviceSet devices, BtrfsOpenOptions options) => OpenUnobserved(devices, options).Observe(options.Logger);

    private static BtrfsFileSystem OpenUnobserved(DeviceSet devices, BtrfsOpenOptions options)
    {
        FsOpenOptions trees = new() { BlockCacheBytes = options.BlockCacheBytes };
        if (options.Writable)
            return OpenForWriting(devices, trees, options);

        FsInfo info = FsInfo.Open(devices, trees);
        return options.ReplayLog && LogReplay.IsNeeded(info) && !devices.IsMounted ? OpenReplayed(info, trees) : new BtrfsFileSystem(info);
    }

    /// <summary>Shows a file system as it is once its log is replayed, which happens in memory: what lies below is only read.</summary>
    private static BtrfsFileSystem OpenReplayed(FsInfo below, FsOpenOptions options)
    {
        try
        {
            FsWriter writer = FsWriter.Open(below.Devices.OverlayInMemory(), options);
            try
            {
                LogReplay.Run(writer);
                return new BtrfsFileSystem(writer.Committed)
                {
                    _below = below,
                    _logNotice = "the file system was not cleanly unmounted: its log tree is replayed in memory, to be seen and not written",
                };
            }
            catch
            {
                writer.Dispose();
                throw;
            }
        }
        catch (Exception error) when (error is BtrfsException or IOException)
        {
            return new BtrfsFileSystem(below) { _logNotice = error.Message };
        }
    }

    private static DeviceOpenOptions DeviceOptions(BtrfsOpenOptions options) =>
        new() { AllowMissingDevices = options.AllowMissingDevices, Direct = options.Direct, Writable = options.Writable };

    // Some at a time: what changes between the times shows, or doesn't, as for any reader of a directory that others change.
    private IEnumerable<DirectoryEntry> ChangingEntries(ulong rootId, ulong directory)
    {
        const int AtOnce = 256;
        List<DirectoryEntry> entries = [];
        ulong position = 0;
        do
        {
            entries.Clear();
            using (HoldView())
            {
                if (View.TryFindRoot(rootId) is { IsDead: false } root)
                {
                    Subvolume subvolume = new(View, root);
                    while (entries.Count < AtOnce && subvolume.TryReadEntry(directory, ref position, out DirEntry entry))
                        entries.Add(new DirectoryEntry(entry));
                }
            }

            foreach (DirectoryEntry entry in entries)
                yield return entry;
        }
        while (entries.Count == AtOnce);
    }

    private static IEnumerable<DirectoryEntry> Entries(Location directory)
    {
        ulong position = 0;
        while (directory.Subvolume.TryReadEntry(directory.Inode, ref position, out DirEntry entry))
            yield return new DirectoryEntry(entry);
    }
}
