namespace Btrfs.Inode.Import;

/// <summary>
/// The content of a file that is imported. It is read by several threads at once, each a range of its own, and disposed of when all is read.
/// </summary>
public abstract class ImportContent : IDisposable
{
    /// <summary>Bytes of the file.</summary>
    public abstract ulong Size { get; }

    /// <summary>Reads up to the length of <paramref name="destination"/>.</summary>
    /// <returns>How many bytes; 0 behind the end.</returns>
    /// <exception cref="IOException">It can't be read.</exception>
    public abstract int Read(ulong offset, Span<byte> destination);

    /// <summary>Where there is data, from an offset on: the rest reads as zeros and becomes holes.</summary>
    /// <param name="offset">Bytes.</param>
    /// <param name="begin">Of the data.</param>
    /// <param name="end">Of the data.</param>
    /// <returns>False where only a hole is left.</returns>
    public abstract bool TryFindData(ulong offset, out ulong begin, out ulong end);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
