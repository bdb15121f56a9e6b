using Btrfs.Interop;

namespace Btrfs.Stream;

/// <summary>
/// Several outputs for one stream, which is made once: each write goes to all of them at the same time, and the slowest sets the pace. An output that fails is left out from
/// there on, and the others go on; when none is left, the write fails. The outputs are not closed with this.
/// </summary>
public sealed class FanOutStream : WriteOnlyStream
{
    private readonly System.IO.Stream[] _outputs;
    private readonly Exception?[] _failures;
    private readonly Action<int> _write;
    private byte[] _piece = [];
    private int _pieceBytes;

    /// <param name="outputs">At least one.</param>
    public FanOutStream(params IReadOnlyList<System.IO.Stream> outputs)
    {
        ArgumentNullException.ThrowIfNull(outputs);
        ArgumentOutOfRangeException.ThrowIfZero(outputs.Count, nameof(outputs));
        _outputs = [.. outputs];
        _failures = new Exception?[_outputs.Length];
        _write = Write;
    }

    /// <summary>What made an output drop out, by the order of the outputs; null for those that have everything so far.</summary>
    public IReadOnlyList<Exception?> Failures => _failures;

    /// <exception cref="IOException">The last output has failed, too; the inner exception tells of all.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_outputs.Length == 1)
        {
            _outputs[0].Write(buffer);
            return;
        }

        // Other threads can't be given a span.
        if (_piece.Length < buffer.Length)
            _piece = new byte[buffer.Length];
        buffer.CopyTo(_piece);
        _pieceBytes = buffer.Length;
        Parallel.For(0, _outputs.Length, _write);
        RequireOne();
    }

    public override void Flush()
    {
        for (int i = 0; i < _outputs.Length; i++)
            Try(i, static output => output.Flush());
        RequireOne();
    }

    private void Write(int index) => Try(index, output => output.Write(_piece, 0, _pieceBytes));

    private void Try(int index, Action<System.IO.Stream> action)
    {
        if (_failures[index] is not null)
            return;
        try
        {
            action(_outputs[index]);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ObjectDisposedException or NotSupportedException)
        {
            _failures[index] = error;
        }
    }

    private void RequireOne()
    {
        if (!Array.Exists(_failures, static failure => failure is null))
            throw new IOException($"none of {_outputs.Length} outputs is left: {_failures[0]!.Message}", new AggregateException(_failures!));
    }
}
