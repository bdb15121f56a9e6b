namespace Btrfs.Interop;

/// <summary>What a file is opened for.</summary>
public enum NativeFileMode
{
    Read,
    ReadWrite,

    /// <summary>Read and write, while nobody else has it open in this way. Readers don't mind.</summary>
    ReadWriteExclusive,
}

/// <summary>
/// A regular file or a block device, read and written at offsets. Reads and writes may come from many threads at once.
/// Every failure is an <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> that names the path;
/// a full device is a <see cref="DeviceFullException"/>.
/// </summary>
public abstract class NativeFile : IDisposable
{
    private protected NativeFile(string path)
    {
        Path = path;
    }

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>The size in bytes when the file was opened.</summary>
    public long SizeBytes { get; private protected init; }

    public bool IsBlockDevice { get; private protected init; }

    /// <summary>
    /// True when transfers go past the page cache; offsets, lengths and buffer addresses must then be multiples of
    /// <see cref="DirectAlignmentBytes"/>. The managed twin can't, and leaves this false whatever was asked for.
    /// </summary>
    public bool IsDirect { get; private protected init; }

    /// <summary>The granularity of direct transfers, in bytes; 1 where <see cref="IsDirect"/> is false.</summary>
    public int DirectAlignmentBytes { get; private protected init; } = 1;

    /// <summary>Opens an existing file.</summary>
    /// <param name="path">A regular file or a block device.</param>
    /// <param name="mode">Read, or read and write, alone or not.</param>
    /// <param name="direct">Asks for transfers past the page cache; see <see cref="IsDirect"/>.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be opened so.</exception>
    /// <exception cref="DeviceBusyException">It was to be opened exclusively, and another program or a mount has it.</exception>
    /// <exception cref="IOException">All else, a directory or a pipe among them.</exception>
    public static NativeFile Open(string path, NativeFileMode mode = NativeFileMode.Read, bool direct = false) =>
        NativeLibraryStatus.IsLoaded ? ShimFile.Open(path, mode, direct) : ManagedFile.Open(path, mode);

    /// <summary>Reads at an offset in bytes. Returns fewer bytes than the buffer holds only at the end of the file.</summary>
    public abstract int Read(long offset, Span<byte> buffer);

    /// <summary>Writes all of <paramref name="data"/> at an offset in bytes.</summary>
    public abstract void Write(long offset, ReadOnlySpan<byte> data);

    /// <summary>Writes all parts, one behind the other, from an offset in bytes on: one transfer where the host can.</summary>
    public abstract void Write(long offset, ReadOnlySpan<ReadOnlyMemory<byte>> parts);

    /// <summary>Returns when everything written is on stable storage.</summary>
    public abstract void Flush();

    /// <summary>Hints that the range, in bytes, is wanted soon. Never fails.</summary>
    public abstract void ReadAhead(long offset, long length);

    /// <summary>Hints that the bytes of the range are wanted no more; what is read there afterwards is anything. Never fails.</summary>
    public abstract void Discard(long offset, long length);

    /// <summary>
    /// Drops the block device's page cache, so that what a mounted file system wrote past it is seen.
    /// False where that is not possible: no block device, no privilege, or the managed twin.
    /// </summary>
    public abstract bool TryFlushDeviceCache();

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
