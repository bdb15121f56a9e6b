using Btrfs.Ctree;
using Btrfs.Inode;
using Btrfs.Send;
using Btrfs.Storage;

namespace Btrfs.Fidelity;

/// <summary>Our engine before the judge, in process.</summary>
public sealed class EngineSendUnderTest : ISendUnderTest
{
    private FsInfo? _fs;

    /// <inheritdoc/>
    public void Open(IReadOnlyList<string> devicePaths) =>
        _fs = FsInfo.Open(DeviceSet.Open(devicePaths, DeviceOpenOptions.Default));

    /// <inheritdoc/>
    public void Send(SendRequest request, System.IO.Stream output)
    {
        PathLookup paths = new(_fs!);
        RootRecord Root(string path) => paths.FindSubvolume(path).Root;
        SendOptions options = new() { Protocol = request.Protocol, CompressedData = request.CompressedData, NoData = request.NoData };
        new Sender(_fs!).Send(
            Root(request.Subvolume),
            request.Parent is null ? null : Root(request.Parent),
            [.. request.CloneSources.Select(Root)],
            options,
            output);
    }

    /// <inheritdoc/>
    public void Dispose() => _fs?.Dispose();
}
