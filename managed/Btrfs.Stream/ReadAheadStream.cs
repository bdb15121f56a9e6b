using Microsoft.Win32.SafeHandles;

namespace Btrfs.Stream;

/// <summary>
/// A regular file that is read from its begin to its end, some blocks ahead, by threads of its own: what is in the page cache comes in at the speed of several
/// processors. The threads sum the commands too, since what was just copied is in their caches. A <see cref="CommandReader"/> takes the blocks as they are; to others it is a
/// stream that can't seek. Not thread-safe, and of bounded memory.
/// </summary>
public sealed class ReadAheadStream : System.IO.Stream
{
    /// <summary>Free bytes in front of the data of each block, where the reader puts what is left of the block before.</summary>
    internal const int HeadroomBytes = 256 * 1024;

    // Large, since to hand one over wakes threads, which costs as much as to read some 32 KiB.
    private const int BlockBytes = 2 << 20;
    private const int SmallestFileBytes = 1 << 20;
    private const int Workers = 2;
    private const int Blocks = Workers + 2;

    private readonly SafeFileHandle _file;
    private readonly Thread[] _threads = new Thread[Workers];

    // Guards all below, and is pulsed when a block was filled or given back: who waits here sleeps at once, since the processors have other work.
    // Block n of the file is read by whoever takes number n, into slot n % Blocks, once the reader has given that back.
    private readonly object _gate = new();
    private readonly Block[] _slots = new Block[Blocks];
    private long _nextToFill;
    private long _nextToGiveBack;
    private bool _isStopped;

    // Blocks are walked in their order, by whoever has filled them.
    private readonly CommandWalk _walk = new();
    private long _nextToWalk;

    // The reader's side.
    private long _nextToTake;
    private bool _isAtEnd;
    private byte[]? _current;
    private int _currentStart;
    private int _currentEnd;

    private ReadAheadStream(SafeFileHandle file)
    {
        _file = file;
        for (int i = 0; i < Blocks; i++)
            _slots[i] = new Block();
        for (int i = 0; i < Workers; i++)
        {
            _threads[i] = new Thread(Work) { IsBackground = true, Name = "stream read-ahead" };
            _threads[i].Start();
        }
    }

    private static bool IsWorthwhile(SafeFileHandle file) => RandomAccess.GetLength(file) > SmallestFileBytes;

    /// <summary>Opens a file for reading from its begin to its end: ahead where it is a regular file of some size, and plainly where it is not.</summary>
    /// <exception cref="IOException">It can't be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static System.IO.Stream Open(string path)
    {
        FileStream plain = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        if (!plain.CanSeek || Environment.ProcessorCount < 2 || !IsWorthwhile(plain.SafeFileHandle))
            return plain;

        plain.Dispose();
        return new ReadAheadStream(File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.SequentialScan));
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        if (_currentStart == _currentEnd)
        {
            if (_current is not null)
                GiveBack();
            _current = TakeBlock(out int length, out _);
            if (_current is null)
                return 0;
            _currentStart = HeadroomBytes;
            _currentEnd = HeadroomBytes + length;
        }

        int count = Math.Min(buffer.Length, _currentEnd - _currentStart);
        _current.AsSpan(_currentStart, count).CopyTo(buffer);
        _currentStart += count;
        return count;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>The next block, its data behind <see cref="HeadroomBytes"/>; null at the end of the file. It is to be given back before the next but one is taken.</summary>
    /// <param name="length">Bytes of data, at least one.</param>
    /// <param name="verified">Where in the block commands were found right, from the begin of the first to the end of the last.</param>
    /// <exception cref="IOException">The file could not be read.</exception>
    internal byte[]? TakeBlock(out int length, out (int Start, int End) verified)
    {
        length = 0;
        verified = default;
        if (_isAtEnd)
            return null;

        Block block = _slots[_nextToTake % Blocks];
        lock (_gate)
        {
            while (block.Number != _nextToTake || !block.IsFilled)
                Monitor.Wait(_gate);
        }

        if (block.Failure is not null)
            throw new IOException(block.Failure.Message, block.Failure);

        // What a file that grows has behind a block that was its last is not looked at: it may not go on there.
        length = block.Length;
        _isAtEnd = length < BlockBytes;
        if (length == 0)
            return null;

        _nextToTake++;
        verified = block.Verified;
        return block.Bytes;
    }

    /// <summary>Gives back the block that was taken first of those that were not given back.</summary>
    internal void GiveBack()
    {
        lock (_gate)
        {
            _slots[_nextToGiveBack++ % Blocks].IsFilled = false;
            Monitor.PulseAll(_gate);
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isStopped)
        {
            lock (_gate)
            {
                _isStopped = true;
                Monitor.PulseAll(_gate);
            }

            foreach (Thread thread in _threads)
                thread.Join();
            _file.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Work()
    {
        while (true)
        {
            Block block;
            long number;
            lock (_gate)
            {
                while (_nextToFill - _nextToGiveBack == Blocks && !_isStopped)
                    Monitor.Wait(_gate);
                if (_isStopped)
                    return;
                number = _nextToFill++;
                block = _slots[number % Blocks];
                block.Number = number;
            }

            Fill(block, number * BlockBytes);
            Verify(block);
            lock (_gate)
            {
                block.IsFilled = true;
                Monitor.PulseAll(_gate);
            }

            if (block.Length < BlockBytes)
                return;
        }
    }

    private void Fill(Block block, long offset)
    {
        block.Length = 0;
        try
        {
            for (int count = 1; count > 0 && block.Length < BlockBytes; block.Length += count)
                count = RandomAccess.Read(_file, block.Bytes.AsSpan(HeadroomBytes + block.Length, BlockBytes - block.Length), offset + block.Length);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            block.Failure = error;
        }
    }

    private void Verify(Block block)
    {
        ReadOnlySpan<byte> data = block.Bytes.AsSpan(HeadroomBytes, block.Length);
        int start;
        int end;
        lock (_gate)
        {
            while (_nextToWalk != block.Number && !_isStopped)
                Monitor.Wait(_gate);
            if (_isStopped)
                return;
            (start, end) = _walk.Pass(data);
            _nextToWalk++;
            Monitor.PulseAll(_gate);
        }

        int right = CommandWalk.Verify(data[start..end]);
        block.Verified = (HeadroomBytes + start, HeadroomBytes + start + right);
    }

    private sealed class Block
    {
        public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(HeadroomBytes + BlockBytes);

        public long Number { get; set; } = -1;

        public int Length { get; set; }

        public (int Start, int End) Verified { get; set; }

        public bool IsFilled { get; set; }

        public Exception? Failure { get; set; }
    }
}
