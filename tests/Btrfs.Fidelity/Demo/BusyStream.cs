namespace Btrfs.Fidelity.Demo;

/// <summary>Keeps a stream, and takes its time over each piece as a network would; with the first something else is tried.</summary>
internal sealed class BusyStream(Action first) : MemoryStream
{
    private static readonly TimeSpan s_delay = TimeSpan.FromMilliseconds(5);
    private bool _hasBegun;

    public override void Write(byte[] buffer, int offset, int count)
    {
        if (!_hasBegun)
        {
            _hasBegun = true;
            first();
        }

        Thread.Sleep(s_delay);
        base.Write(buffer, offset, count);
    }
}
