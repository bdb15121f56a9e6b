using System.Collections.Concurrent;

namespace Btrfs.Storage;

/// <summary>
/// A device whose writes stay in memory, over one that is only read: for changes that are to be seen and not to be kept. Memory grows with what is written.
/// </summary>
/// <param name="below">What shows through.</param>
/// <param name="leaveOpen">Whether it outlives this device, or goes with it.</param>
public sealed class MemoryOverlayDevice(IBlockDevice below, bool leaveOpen = false) : IBlockDevice
{
    private const int PageSize = 4096;

    // A page is never changed once it is in here, only replaced: readers need no lock.
    private readonly ConcurrentDictionary<ulong, byte[]> _pages = new();
    private readonly Lock _lock = new();

    public string Name => below.Name;

    public ulong SizeBytes => below.SizeBytes;

    public bool IsMounted => below.IsMounted;

    public bool IsWritable => true;

    public IReadOnlyList<string> Notices => below.Notices;

    public void Read(ulong offsetBytes, Span<byte> buffer)
    {
        CheckRange(offsetBytes, buffer.Length);
        while (!buffer.IsEmpty)
        {
            int length = RunLength(offsetBytes, buffer.Length, out byte[]? page);
            if (page is null)
                below.Read(offsetBytes, buffer[..length]);
            else
                page.AsSpan((int)(offsetBytes % PageSize), length).CopyTo(buffer);

            buffer = buffer[length..];
            offsetBytes += (ulong)length;
        }
    }

    public void Prefetch(ulong offsetBytes, ulong lengthBytes) => below.Prefetch(offsetBytes, lengthBytes);

    public void Write(ulong offsetBytes, ReadOnlySpan<byte> data)
    {
        CheckRange(offsetBytes, data.Length);
        lock (_lock)
        {
            while (!data.IsEmpty)
            {
                ulong number = offsetBytes / PageSize;
                int within = (int)(offsetBytes % PageSize);
                int length = Math.Min(PageSize - within, data.Length);
                byte[] page = new byte[PageSize];
                if (length < PageSize)
                    ReadPage(number, page);

                data[..length].CopyTo(page.AsSpan(within));
                _pages[number] = page;
                data = data[length..];
                offsetBytes += (ulong)length;
            }
        }
    }

    public void Flush()
    {
        // There is nothing that outlives the process.
    }

    public void Discard(ulong offsetBytes, ulong lengthBytes)
    {
        // What is read there afterwards is anything: what it was, too.
    }

    public void Dispose()
    {
        if (!leaveOpen)
            below.Dispose();
    }

    private void ReadPage(ulong number, Span<byte> page)
    {
        // The device may end within the page.
        ulong start = number * PageSize;
        Read(start, page[..(int)Math.Min(PageSize, SizeBytes - start)]);
    }

    /// <summary>How many bytes from an offset on come from one source: a page that was written, or (null) all pages up to the next such one.</summary>
    private int RunLength(ulong offset, int length, out byte[]? page)
    {
        ulong number = offset / PageSize;
        int run = PageSize - (int)(offset % PageSize);
        if (!_pages.TryGetValue(number, out page))
        {
            while (run < length && !_pages.ContainsKey(++number))
                run += PageSize;
        }

        return Math.Min(run, length);
    }

    private void CheckRange(ulong offset, int length)
    {
        if (offset > SizeBytes || (ulong)length > SizeBytes - offset)
            throw new EndOfStreamException($"{Name}: {length} bytes at {offset} reach behind the end at {SizeBytes}");
    }
}
