namespace Btrfs.Fidelity;

/// <summary>What the judge judges: something that reads unmounted images and writes send streams.</summary>
public interface ISendUnderTest : IDisposable
{
    /// <summary>Opens the file system on these image files (all of its devices, in any order).</summary>
    void Open(IReadOnlyList<string> devicePaths);

    /// <summary>Writes the stream of one request; throws where the kernel refuses it.</summary>
    void Send(SendRequest request, System.IO.Stream output);
}
