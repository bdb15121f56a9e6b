using System.IO.Pipes;
using Btrfs.Ctree;
using Btrfs.Inode;
using Btrfs.Send;
using Btrfs.Storage;

namespace Btrfs.Fidelity;

/// <summary>The engine's own send, over the images and nothing else.</summary>
/// <param name="movement">How it moves file data. By default each request has one of the ways, and always the same one.</param>
public sealed class EngineSendUnderTest(DataMovement? movement = null) : ISendUnderTest
{
    private const int Ways = 3;

    private FsInfo? _fs;

    /// <inheritdoc/>
    public void Open(IReadOnlyList<string> devicePaths) =>
        _fs = FsInfo.Open(DeviceSet.Open(devicePaths, DeviceOpenOptions.Default));

    /// <inheritdoc/>
    public void Send(SendRequest request, System.IO.Stream output)
    {
        DataMovement chosen = movement ?? (DataMovement)(request.ToString().Sum(letter => letter) % Ways);
        if (chosen == DataMovement.Copied)
            SendTo(request, output, verifyData: true);
        else
            SendThroughPipe(request, output, verifyData: chosen == DataMovement.CheckedPages);
    }

    /// <inheritdoc/>
    public void Dispose() => _fs?.Dispose();

    private void SendThroughPipe(SendRequest request, System.IO.Stream output, bool verifyData)
    {
        using AnonymousPipeServerStream writeEnd = new(PipeDirection.Out);
        using AnonymousPipeClientStream readEnd = new(PipeDirection.In, writeEnd.ClientSafePipeHandle);
        Task reader = Task.Factory.StartNew(() => readEnd.CopyTo(output), TaskCreationOptions.LongRunning);
        try
        {
            SendTo(request, writeEnd, verifyData);
        }
        finally
        {
            writeEnd.Dispose();
            reader.Wait();
        }
    }

    private void SendTo(SendRequest request, System.IO.Stream output, bool verifyData)
    {
        PathLookup paths = new(_fs!);
        RootRecord Root(string path) => paths.FindSubvolume(path).Root;
        SendOptions options = new()
        {
            Protocol = request.Protocol,
            CompressedData = request.CompressedData,
            NoData = request.NoData,
            VerifyData = verifyData,
        };
        new Sender(_fs!).Send(
            Root(request.Subvolume),
            request.Parent is null ? null : Root(request.Parent),
            [.. request.CloneSources.Select(Root)],
            options,
            output);
    }
}
