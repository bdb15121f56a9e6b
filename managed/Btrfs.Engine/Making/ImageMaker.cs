using Btrfs.Format;
using Btrfs.Space.Making;
using Btrfs.Storage;

namespace Btrfs.Engine.Making;

/// <summary>Makes file systems on image files and block devices.</summary>
public static class ImageMaker
{
    /// <summary>
    /// Makes an empty file system over devices, each of which is locked meanwhile. A file that isn't there is made where
    /// <see cref="MakeOptions.DeviceBytes"/> tells its size, and removed again when this fails.
    /// </summary>
    /// <param name="devicePaths">Image files or block devices; they get the ids 1, 2 and so on.</param>
    /// <param name="options">What to make.</param>
    /// <param name="overwrite">Whether something that they seem to hold may be lost.</param>
    /// <exception cref="InvalidRequestException">The options contradict each other or the devices, or a device is in use or holds something. Nothing was written.</exception>
    /// <exception cref="NoSpaceException">The devices are too small; nothing was written.</exception>
    /// <exception cref="IOException">A device can't be opened, read or written.</exception>
    /// <exception cref="UnauthorizedAccessException">A device may not be written.</exception>
    public static MakeResult Make(IReadOnlyList<string> devicePaths, MakeOptions options, bool overwrite = false)
    {
        ArgumentNullException.ThrowIfNull(options);
        VerifyDistinct(devicePaths);
        List<string> created = [];
        List<IBlockDevice> devices = [];
        try
        {
            foreach (string path in devicePaths)
            {
                if (!Path.Exists(path))
                    created.Add(CreateFile(path, options.DeviceBytes));

                devices.Add(FileBlockDevice.Open(path, new DeviceOpenOptions { Writable = true }));
                if (!overwrite && ExistingContent.Find(devices[^1]) is { } content)
                    throw new InvalidRequestException($"{path} appears to contain an existing file system ({content}), it is overwritten only by force");
            }

            return new FileSystemMaker(options).Make(devices);
        }
        catch
        {
            created.ForEach(File.Delete);
            throw;
        }
        finally
        {
            devices.ForEach(device => device.Dispose());
        }
    }

    private static void VerifyDistinct(IReadOnlyList<string> paths)
    {
        HashSet<string> seen = [];
        foreach (string path in paths)
        {
            if (!seen.Add(Path.GetFullPath(path)))
                throw new InvalidRequestException($"{path} is given twice");
        }
    }

    private static string CreateFile(string path, ulong? bytes)
    {
        if (bytes is not { } size)
            throw new InvalidRequestException($"{path} does not exist, it is made only where a size is given");
        if (size > long.MaxValue)
            throw new InvalidRequestException($"{path} can't be made with {size} bytes");

        using FileStream file = new(path, FileMode.CreateNew, FileAccess.Write);
        file.SetLength((long)size);
        return path;
    }
}
