namespace Btrfs.Tests.Engine;

/// <summary>Keeps what is written, and calls back with each write: on the thread of a send, in its midst.</summary>
internal sealed class GatedStream(Action<int> onWrite) : MemoryStream
{
    private int _writes;

    // The base class sends spans of derived classes here too.
    public override void Write(byte[] buffer, int offset, int count)
    {
        onWrite(_writes++);
        base.Write(buffer, offset, count);
    }
}
