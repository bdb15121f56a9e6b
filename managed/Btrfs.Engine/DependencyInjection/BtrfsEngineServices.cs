using Microsoft.Extensions.DependencyInjection;

namespace Btrfs.Engine.DependencyInjection;

/// <summary>Makes the engine known to a container.</summary>
public static class BtrfsEngineServices
{
    /// <summary>Adds <see cref="BtrfsFileSystemOpener"/> as a singleton; it logs where the container has logging.</summary>
    /// <param name="services">The container.</param>
    /// <param name="configure">Changes the options that every file system is opened with.</param>
    public static IServiceCollection AddBtrfsEngine(this IServiceCollection services, Action<BtrfsOpenOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        BtrfsOpenOptions options = new();
        configure?.Invoke(options);
        services.AddSingleton(options);
        services.AddSingleton<BtrfsFileSystemOpener>();
        return services;
    }
}
