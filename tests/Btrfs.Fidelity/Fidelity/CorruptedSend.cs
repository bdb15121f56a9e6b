namespace Btrfs.Fidelity;

/// <summary>A send that is right but for one byte in each stream: the judge must find every one of them.</summary>
internal sealed class CorruptedSend(ISendUnderTest inner) : ISendUnderTest
{
    public void Open(IReadOnlyList<string> devicePaths) => inner.Open(devicePaths);

    public void Send(SendRequest request, System.IO.Stream output)
    {
        using MemoryStream stream = new();
        inner.Send(request, stream);
        byte[] bytes = stream.ToArray();
        bytes[PlaceOf(bytes)] ^= 0x10;
        output.Write(bytes);
    }

    public void Dispose() => inner.Dispose();

    /// <summary>Which byte of a stream is spoilt: one in its middle that belongs to no stream header.</summary>
    public static int PlaceOf(ReadOnlySpan<byte> stream) => Math.Max(17, stream.Length / 2);
}
